import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../../../core/ports/clock.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { type IndexName, type Item, type Key, type Partition, put, type Table } from '../../../core/ports/table.ts';
import { deleteAll } from '../../../core/ports/table-deletion.ts';

/**
 * The partition of a realm's sessions, grants, codes and refresh tokens. Index g1 finds them by uid or user code, g2 by
 * grant, g3 by account. Access tokens are JWTs and are not stored.
 */
function realmState(realm: RealmId): Partition<AdapterPayload> {
  return { pk: `oidc#${realm}` };
}

function accountState(realm: RealmId, subject: string): Partition<AdapterPayload> {
  return { index: 'g3', pk: `${realmState(realm).pk}#account#${subject}` };
}

/** Our ids have 21 to 43 of these characters. A client can send any text instead of an id. */
const ID = /^[\w-]{1,64}$/;

/** The storage adapter of oidc-provider for one realm. */
export function createOidcStore(options: {
  readonly table: Table;
  readonly realm: RealmId;
  readonly clock: Pick<Clock, 'now'>;
}): (model: string) => Adapter {
  const { table, realm, clock } = options;
  const { pk } = realmState(realm);

  return (model) => {
    const keyOf = (id: string): Key<AdapterPayload> => ({ pk, sk: `${model}#${id}` });

    async function find(id: string): Promise<Item<AdapterPayload> | undefined> {
      return ID.test(id) ? table.get(keyOf(id)) : undefined;
    }

    async function findBy(kind: 'uid' | 'code', value: string): Promise<AdapterPayload | undefined> {
      if (!ID.test(value)) return undefined;
      const found: Partition<AdapterPayload> = { index: 'g1', pk: `${pk}#${kind}#${value}` };
      const page = await table.query({ ...found, limit: 1 });
      return page.items[0]?.data;
    }

    function indexesOf(id: string, payload: AdapterPayload): Partial<Record<IndexName, Key>> {
      const { uid, userCode, grantId, accountId } = payload;
      const sk = `${model}#${id}`;
      return {
        ...(model === 'Session' && uid && { g1: { pk: `${pk}#uid#${uid}`, sk } }),
        ...(userCode && { g1: { pk: `${pk}#code#${userCode}`, sk } }),
        ...(grantId && { g2: { pk: `${pk}#grant#${grantId}`, sk } }),
        ...(accountId && model !== 'Interaction' && { g3: { pk: accountState(realm, accountId).pk, sk } }),
      };
    }

    return {
      async upsert(id, payload, expiresIn) {
        const item: Item<AdapterPayload> = {
          ...keyOf(id),
          version: 1,
          data: payload,
          indexes: indexesOf(id, payload),
          ...(expiresIn && { expiresAt: Math.floor(clock.now() / 1000) + expiresIn }),
        };
        await table.transact([put(item)]);
      },
      find: async (id) => (await find(id))?.data,
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (code) => findBy('code', code),
      /** Succeeds for exactly one of several callers, so that a code or refresh token is used once. */
      async consume(id) {
        const item = await find(id);
        if (!item || item.data.consumed) throw new errors.InvalidGrant('already used');
        const data = { ...item.data, consumed: Math.floor(clock.now() / 1000) };
        const version = item.version + 1;
        await table.transact([put({ ...item, version, data }, { version: item.version })]).catch((cause: unknown) => {
          throw Object.assign(new errors.InvalidGrant('already used'), { cause });
        });
      },
      async destroy(id) {
        if (ID.test(id)) await table.transact([{ delete: keyOf(id) }]);
      },
      async revokeByGrantId(grantId) {
        if (!ID.test(grantId)) return;
        // The items of a grant belong to several models, and oidc-provider calls the adapter of each.
        await deleteAll(table, { pk: `${pk}#grant#${grantId}`, index: 'g2', prefix: `${model}#` });
      },
    };
  };
}

/** Deletes every session, grant and refresh token of a user, except the session with uid `keepSession`. */
export async function revokeSubject(
  table: Table,
  realm: RealmId,
  subject: string,
  keepSession?: string,
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await table.query({ ...accountState(realm, subject), limit: 100, ...(after && { after }) });
    const revoked = page.items.filter(({ data }) => keepSession === undefined || data.uid !== keepSession);
    await table.transact(revoked.map((item) => ({ delete: { pk: item.pk, sk: item.sk } })));
    after = page.next;
  } while (after !== undefined);
}

/** Deletes all of a realm's sessions, grants and tokens. */
export async function deleteRealmState(table: Table, realm: RealmId): Promise<void> {
  await deleteAll(table, realmState(realm));
}
