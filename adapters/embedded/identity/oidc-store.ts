import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../../../core/ports/clock.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { type IndexName, type Item, type Key, type Partition, put, type Table } from '../../../core/ports/table.ts';
import { deleteAll } from '../../../core/ports/table-deletion.ts';

/**
 * Sessions, grants, codes and refresh tokens of a realm: one partition, found by uid (g1), grant (g2) and account (g3).
 * Access tokens are JWTs and not stored.
 */
function realmState(realm: RealmId): Partition<AdapterPayload> {
  return { pk: `oidc#${realm}` };
}

function accountState(realm: RealmId, subject: string): Partition<AdapterPayload> {
  return { index: 'g3', pk: `${realmState(realm).pk}#account#${subject}` };
}

/** Ids are ours, 21 to 43 characters; what a client sends in their place may be anything. */
const ID = /^[\w-]{1,64}$/;

/** oidc-provider's storage for one realm. */
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
      /** Exactly one of several callers wins, so that a code or a refresh token is used once. */
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
        // A grant's items are of several models; each model's adapter takes its own.
        await deleteAll(table, { pk: `${pk}#grant#${grantId}`, index: 'g2', prefix: `${model}#` });
      },
    };
  };
}

/** Ends every session, grant and refresh token of a user, save the session of uid `keepSession`. */
export async function revokeSubject(
  table: Table,
  realm: RealmId,
  subject: string,
  keepSession?: string,
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await table.query({ ...accountState(realm, subject), limit: 100, ...(after && { after }) });
    const doomed = page.items.filter(({ data }) => keepSession === undefined || data.uid !== keepSession);
    await table.transact(doomed.map((item) => ({ delete: { pk: item.pk, sk: item.sk } })));
    after = page.next;
  } while (after !== undefined);
}

/** Deletes all of a realm's sessions, grants and tokens. */
export async function deleteRealmState(table: Table, realm: RealmId): Promise<void> {
  await deleteAll(table, realmState(realm));
}
