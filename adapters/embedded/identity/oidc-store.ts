import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { DomainError, isDomainError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { type IndexName, type Item, type Key, type Partition, put, type Table } from '../../../core/ports/table.ts';
import { deleteAll } from '../../../core/ports/table-deletion.ts';
import type { AnonymousRecords } from './anonymous-records.ts';

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

/** Kept if oidc-provider states no lifetime, in seconds. */
const DEFAULT_LIFETIME = 600;

/** Whether a record belongs to nobody who has signed in. Strangers cause any number of these. */
function isAnonymous(model: string, { accountId, session, result }: AdapterPayload): boolean {
  if (model === 'Session' || model === 'DeviceCode') return accountId === undefined;
  return model === 'Interaction' && session?.accountId === undefined && result === undefined;
}

export interface OidcStoreOptions {
  readonly table: Table;
  /** Holds the records of visitors who have not signed in. */
  readonly anonymous: AnonymousRecords;
  readonly realm: RealmId;
  readonly clock: Pick<Clock, 'now'>;
  /** The client of the current request. */
  readonly client: () => string;
}

/** The storage adapter of oidc-provider for one realm. */
export function createOidcStore(options: OidcStoreOptions): (model: string) => Adapter {
  const { table, anonymous, realm, clock, client } = options;
  const { pk } = realmState(realm);

  return (model) => {
    const keyOf = (id: string): Key<AdapterPayload> => ({ pk, sk: `${model}#${id}` });

    const anonymousKey = (id: string): string => `${realm} ${model} ${id}`;
    const aliasOf = ({ uid, userCode }: AdapterPayload): string | undefined => {
      if (model === 'Session' && uid) return `${realm} uid ${uid}`;
      return userCode && `${realm} code ${userCode}`;
    };

    /** Deletes an item only if there is one, because each deletion is a write to the disk. */
    async function destroyStored(id: string): Promise<void> {
      if (await table.get(keyOf(id))) await table.transact([{ delete: keyOf(id) }]);
    }

    /** A denied device code has no account. */
    function consumeAnonymous(id: string, payload: AdapterPayload): void {
      if (payload.consumed) throw new errors.InvalidGrant('already used');
      const consumed = Math.floor(clock.now() / 1000);
      const options = { expiresIn: DEFAULT_LIFETIME, client: client(), alias: aliasOf(payload) };
      anonymous.set(anonymousKey(id), { ...payload, consumed }, options);
    }

    async function find(id: string): Promise<Item<AdapterPayload> | undefined> {
      return ID.test(id) ? table.get(keyOf(id)) : undefined;
    }

    async function findBy(kind: 'uid' | 'code', value: string): Promise<AdapterPayload | undefined> {
      if (!ID.test(value)) return undefined;
      const known = anonymous.getByAlias(`${realm} ${kind} ${value}`);
      if (known) return known;
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

    return withUnavailable({
      async upsert(id, payload, expiresIn) {
        if (isAnonymous(model, payload)) {
          const options = { expiresIn: expiresIn || DEFAULT_LIFETIME, client: client(), alias: aliasOf(payload) };
          anonymous.set(anonymousKey(id), payload, options);
          await destroyStored(id);
          return;
        }
        const item: Item<AdapterPayload> = {
          ...keyOf(id),
          version: 1,
          data: payload,
          indexes: indexesOf(id, payload),
          ...(expiresIn && { expiresAt: Math.floor(clock.now() / 1000) + expiresIn }),
        };
        await table.transact([put(item)]);
        anonymous.delete(anonymousKey(id));
      },
      find: async (id) => anonymous.get(anonymousKey(id)) ?? (await find(id))?.data,
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (code) => findBy('code', code),
      /** Succeeds for exactly one of several callers, so that a code or refresh token is used once. */
      async consume(id) {
        const stranger = anonymous.get(anonymousKey(id));
        if (stranger) return consumeAnonymous(id, stranger);
        const item = await find(id);
        if (!item || item.data.consumed) throw new errors.InvalidGrant('already used');
        const data = { ...item.data, consumed: Math.floor(clock.now() / 1000) };
        const version = item.version + 1;
        await table.transact([put({ ...item, version, data }, { version: item.version })]).catch((cause: unknown) => {
          if (!isDomainError(cause, 'CONDITION_FAILED')) throw cause;
          throw Object.assign(new errors.InvalidGrant('already used'), { cause });
        });
      },
      async destroy(id) {
        if (!anonymous.delete(anonymousKey(id)) && ID.test(id)) await destroyStored(id);
      },
      async revokeByGrantId(grantId) {
        if (!ID.test(grantId)) return;
        // The items of a grant belong to several models, and oidc-provider calls the adapter of each.
        await deleteAll(table, { pk: `${pk}#grant#${grantId}`, index: 'g2', prefix: `${model}#` });
      },
    });
  };
}

/** Seconds after which a browser or a client may try again while the store is unavailable. */
export const RETRY_AFTER = '5';

/** Makes oidc-provider respond with 503 while the store is unavailable, for example because the disk is full. */
function withUnavailable(adapter: Adapter): Adapter {
  const wrapped = Object.entries(adapter).map(([name, method]) => [
    name,
    (...given: unknown[]) => Promise.resolve(method(...given)).catch(rethrowUnavailable),
  ]);
  return Object.fromEntries(wrapped) as Adapter;
}

function rethrowUnavailable(cause: unknown): never {
  if (!isDomainError(cause, 'UNAVAILABLE')) throw cause;
  // Koa uses the headers where no handler of oidc-provider catches the error.
  const response = { statusCode: 503, headers: { 'retry-after': RETRY_AFTER } };
  throw Object.assign(new DomainError('UNAVAILABLE', cause.message, { cause }), response);
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
