import { ConditionFailed, DomainError, isDomainError } from '../../../core/errors.ts';
import { requireStrongPassword, requireUser, requireUserFields, userTaken } from '../../../core/identity/user-rules.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Identity, NewUser, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import { type Item, type ListedItem, type Partition, put, type Table, type Write } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import {
  type EmailRecord,
  emailKey,
  fold,
  type RealmRecord,
  realmKey,
  realmUsers,
  type StagedPassword,
  stagedKey,
  subjectItem,
  tenantUsers,
  type UserRecord,
  userItem,
  userKey,
} from './identity-records.ts';
import type { PasswordVault } from './password-vault.ts';
import type { UserPools } from './user-pool.ts';

export interface IdentityOptions {
  readonly table: Table;
  readonly pools: UserPools;
  readonly vault: PasswordVault;
  readonly clock: Clock;
  readonly region: string;
  /** Pools that the stack has made, with their public clients; they stay when the realm goes. @default {} */
  readonly madePools?: Partial<Record<RealmId, { readonly userPoolId: string; readonly clientId: string }>>;
}

/** A user whose creation ended half way is free for another after this long. */
const CREATED_WITHIN_SECONDS = 60;
const STAGED_DAYS = 7;
const MAX_TRIES = 5;
const PAGE = 100;
const AT_ONCE = 10;

/**
 * The Identity port over Cognito. Cognito holds passwords and sessions; the platform's table says who is who: it alone
 * can hold names and emails apart in a realm, list a tenant's users in order, and tell the gateway at once.
 */
export function openIdentity(options: IdentityOptions): Identity {
  const { table, pools, vault, clock } = options;
  const epochSeconds = (): number => Math.floor(clock.now() / 1000);
  const now = (): string => new Date(clock.now()).toISOString();

  async function realmOf(id: RealmId): Promise<RealmRecord> {
    const item = await table.get(realmKey(id));
    if (!item) throw unknownRealm(id);
    return item.data;
  }

  async function itemOf(realm: RealmId, userName: string): Promise<Item<UserRecord> | undefined> {
    if (userName === '') return undefined;
    const item = await table.get(userKey(realm, userName));
    return item && isWhole(item) ? item : undefined;
  }

  /** The password the user is to have, and what becomes of it once the user has it. */
  async function passwordOf(user: NewUser): Promise<{ password?: string; spent: readonly Write[] }> {
    if (user.password !== undefined) return { password: user.password, spent: [] };
    const staged = user.tenantId === undefined ? undefined : await table.get(stagedKey(user.tenantId));
    if (!staged || user.tenantId === undefined || fold(staged.data.email) !== fold(user.email)) return { spent: [] };
    const { pk, sk, version } = staged;
    const password = await vault.open(user.tenantId, staged.data.sealed);
    return { password, spent: [{ delete: { pk, sk }, if: { version } }] };
  }

  /** Takes name and email, for a minute at first. Throws CONFLICT where one is taken. */
  async function reserve(realm: RealmRecord, record: UserRecord): Promise<void> {
    const expiresAt = epochSeconds() + CREATED_WITHIN_SECONDS;
    const { indexes: _, ...user } = userItem(realm.id, record, 1);
    try {
      await table.transact([
        put({ ...user, expiresAt }, 'absent'),
        put({ ...emailItem(realm.id, record), expiresAt }, 'absent'),
        { check: realmKey(realm.id), if: 'present' },
        ...othersLogins(realm.id, record.userName, record.email),
      ]);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      const [first = 0] = error.failed;
      if (first === 2) throw unknownRealm(realm.id);
      throw userTaken(first === 0 || first === 3 ? 'userName' : 'email', error);
    }
  }

  /** Reads, changes and writes a user with its subject, again if another writer came first. */
  async function change(
    realm: RealmRecord,
    userName: string,
    changed: (before: UserRecord) => Partial<UserRecord>,
    also: (before: UserRecord, after: UserRecord) => readonly Write[] = () => [],
  ): Promise<User> {
    for (let tries = 1; ; tries++) {
      const item = await itemOf(realm.id, userName);
      if (!item) throw new DomainError('NOT_FOUND', 'user not found');
      const after = { ...item.data, ...changed(item.data), modified: now() };
      const version = item.version + 1;
      try {
        await table.transact([
          put(userItem(realm.id, after, version), { version: item.version }),
          put(subjectItem(realm, after, version)),
          ...also(item.data, after),
        ]);
        return after;
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        if (!error.failed.includes(0)) throw userTaken('email', error);
        if (tries === MAX_TRIES) throw error;
      }
    }
  }

  /** The pool's word on whether a temporary password was changed; kept once it was. */
  async function refreshed(realm: RealmRecord, user: UserRecord): Promise<User> {
    if (user.status === 'CONFIRMED') return user;
    const status = await pools.statusOf(realm.userPoolId, user.userName);
    return status === 'CONFIRMED' ? change(realm, user.userName, () => ({ status })) : user;
  }

  async function deleteUsers(realm: RealmId, where: Partition<UserRecord>, poolId?: string): Promise<void> {
    for (;;) {
      const { items } = await table.query({ ...where, limit: PAGE });
      if (items.length === 0) return;
      for (let i = 0; i < items.length; i += AT_ONCE) {
        await Promise.all(items.slice(i, i + AT_ONCE).map(({ data }) => removeUser(realm, data, poolId)));
      }
    }
  }

  /** Cognito's first: what is left if this ends half way is still listed, and removed by the next call. */
  async function removeUser(realm: RealmId, user: UserRecord, poolId?: string): Promise<void> {
    if (poolId !== undefined) await pools.deleteUser(poolId, user.userName);
    await table.transact([
      { delete: userKey(realm, user.userName) },
      { delete: emailKey(realm, user.email) },
      ...(user.subject === '' ? [] : [{ delete: subjectKey(realm, user.subject) }]),
    ]);
  }

  async function createRealm(spec: RealmSpec): Promise<RealmRecord> {
    const pool = options.madePools?.[spec.id] ?? (await pools.ensurePool(spec));
    const issuer = `https://cognito-idp.${options.region}.amazonaws.com/${pool.userPoolId}`;
    const record: RealmRecord = { ...spec, ...pool, issuer };
    try {
      await table.transact([put({ ...realmKey(spec.id), version: 1, data: record }, 'absent')]);
      return record;
    } catch (error) {
      // Someone else was first, with the same pool.
      if (!isDomainError(error, 'CONDITION_FAILED')) throw error;
      return realmOf(spec.id);
    }
  }

  return {
    async ensureRealm(spec) {
      const known = await table.get(realmKey(spec.id));
      if (!known) return configOf(await createRealm(spec));
      if (known.data.displayName !== spec.displayName) {
        const data = { ...known.data, displayName: spec.displayName };
        const write = put({ ...realmKey(spec.id), version: known.version + 1, data });
        await table.transact([{ ...write, if: { version: known.version } }]);
      }
      return configOf(known.data);
    },

    async realm(id) {
      const item = await table.get(realmKey(id));
      if (!item) return undefined;
      const { userPoolId: _, ...shown } = item.data;
      return shown;
    },

    async deleteRealm(id) {
      const item = await table.get(realmKey(id));
      if (!item) return;
      const made = options.madePools?.[id] !== undefined;
      if (!made) await pools.deletePool(item.data.userPoolId);
      await deleteUsers(id, realmUsers(id), made ? item.data.userPoolId : undefined);
      await table.transact([{ delete: realmKey(id) }]);
    },

    async createUser(realmId, user) {
      const realm = await realmOf(realmId);
      requireUser(realm, user);
      if (user.password !== undefined) requireStrongPassword(realmId, user.password);
      const { password, spent } = await passwordOf(user);
      const created = now();
      const { userName, email, role, tenantId } = user;
      const status = password === undefined ? 'FORCE_CHANGE_PASSWORD' : 'CONFIRMED';
      const tenant = tenantId === undefined ? {} : { tenantId };
      const draft: UserRecord = {
        ...{ userName, email, role, ...tenant, subject: '', enabled: true, status, created, modified: created },
      };
      await reserve(realm, draft);
      try {
        const record = { ...draft, subject: await pools.createUser(realm.userPoolId, user, password) };
        await table.transact([
          put(userItem(realmId, record, 2), { version: 1 }),
          put({ ...emailItem(realmId, record), version: 2 }, { version: 1 }),
          put(subjectItem(realm, record, 2), 'absent'),
          { check: realmKey(realmId), if: 'present' },
          ...spent,
        ]);
        return record;
      } catch (error) {
        await removeUser(realmId, draft, realm.userPoolId).catch(() => {});
        throw error;
      }
    },

    async user(realmId, userName) {
      const item = await itemOf(realmId, userName);
      return item && refreshed(await realmOf(realmId), item.data);
    },

    async users(realmId, { tenantId, after, limit }) {
      const place = tenantId === undefined ? realmUsers(realmId) : tenantUsers(realmId, tenantId);
      const page = await table.query({ ...place, limit, ...(after !== undefined && { after }) });
      const whole = page.items.filter(isWhole);
      if (whole.length === 0) return { items: [], ...(page.next !== undefined && { next: page.next }) };
      const realm = await realmOf(realmId);
      const items: User[] = [];
      for (let i = 0; i < whole.length; i += AT_ONCE) {
        const some = whole.slice(i, i + AT_ONCE).map(({ data }) => refreshed(realm, data));
        items.push(...(await Promise.all(some)));
      }
      return { items, ...(page.next !== undefined && { next: page.next }) };
    },

    async updateUser(realmId, userName, { email, role }) {
      const given = { ...(email !== undefined && { email }), ...(role !== undefined && { role }) };
      requireUserFields(given);
      const realm = await realmOf(realmId);
      const user = await change(
        realm,
        userName,
        () => given,
        (before, after) =>
          fold(before.email) === fold(after.email)
            ? []
            : [
                put(emailItem(realmId, after), 'absent'),
                { delete: emailKey(realmId, before.email) },
                ...(fold(after.email) === fold(userName)
                  ? []
                  : [{ check: userKey(realmId, after.email), if: 'absent' } as const]),
              ],
      );
      if (email !== undefined) await pools.setEmail(realm.userPoolId, userName, email);
      return user;
    },

    async setUserEnabled(realmId, userName, enabled) {
      const realm = await realmOf(realmId);
      // The table first: the gateway asks it, so a disabled user is out before Cognito has heard of it.
      const user = await change(realm, userName, () => ({ enabled }));
      await pools.setEnabled(realm.userPoolId, userName, enabled);
      return user;
    },

    async deleteUser(realmId, userName) {
      const item = await itemOf(realmId, userName);
      if (item) await removeUser(realmId, item.data, (await realmOf(realmId)).userPoolId);
    },

    async deleteTenantUsers(realmId, tenantId) {
      const realm = await table.get(realmKey(realmId));
      await deleteUsers(realmId, tenantUsers(realmId, tenantId), realm?.data.userPoolId);
      await table.transact([{ delete: stagedKey(tenantId) }]);
    },

    async stagePassword(tenantId, email, password) {
      requireUserFields({ email });
      requireStrongPassword('pool', password);
      const data: StagedPassword = { email, sealed: await vault.seal(tenantId, password) };
      const expiresAt = epochSeconds() + STAGED_DAYS * 86_400;
      await table.transact([put({ ...stagedKey(tenantId), version: 1, data, expiresAt })]);
    },

    async emailTaken(realmId, email) {
      return (await table.get(emailKey(realmId, email))) !== undefined;
    },
  };
}

function configOf({ issuer, clientId }: RealmRecord) {
  return { issuer, clientId };
}

function unknownRealm(id: RealmId): DomainError {
  return new DomainError('NOT_FOUND', `realm '${id}' not found`);
}

function isWhole({ data }: ListedItem<UserRecord>): boolean {
  return data.subject !== '';
}

function emailItem(realm: RealmId, { email, userName }: UserRecord): Item<EmailRecord> {
  return { ...emailKey(realm, email), version: 1, data: { userName } };
}

/** Nobody's user name is another one's email: a person may be asked for either. */
function othersLogins(realm: RealmId, userName: string, email: string): Write[] {
  if (fold(userName) === fold(email)) return [];
  return [
    { check: emailKey(realm, userName), if: 'absent' },
    { check: userKey(realm, email), if: 'absent' },
  ];
}
