import { batchesOf } from '../../collections/batches.ts';
import type { Identity, RealmId, RealmSpec, User, UserPage } from '../../ports/identity.ts';
import { subjectKey } from '../../routing/registry.ts';
import { deleteRealm, describeRealm, ensureRealm } from './realm-store.ts';
import { CALLS_AT_ONCE, findUser, isComplete, requireRealm, type StoreContext } from './store-context.ts';
import { changeUser } from './user-change.ts';
import { createUser, stagedPassword } from './user-creation.ts';
import { deleteTenantUsers, deleteUser } from './user-deletion.ts';
import { emailKey, toUser, type UserRecord, usersOf } from './user-records.ts';
import { requireUserFields } from './user-rules.ts';

/** The Identity port over the platform's table and a provider of credentials. Both homes use it. */
export function createUserStore<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
): Identity {
  const { table, credentials } = context;

  return {
    ensureRealm: (spec) => ensureRealm(context, spec),
    realm: (id) => describeRealm(context, id),
    deleteRealm: (id) => deleteRealm(context, id),

    createUser: (realm, user) => createUser(context, realm, user),
    user: (realm, userName) => getUser(context, realm, userName),
    users: (realm, page) => listUsers(context, realm, page),

    async userOf(realm, subject) {
      const item = await table.get(subjectKey(realm, subject));
      return item && getUser(context, realm, item.data.userName);
    },

    async updateUser(realmId, userName, { email, role }) {
      const given = { ...(email !== undefined && { email }), ...(role !== undefined && { role }) };
      requireUserFields(given);
      const realm = await requireRealm(context, realmId);
      const user = await changeUser(context, realm, userName, () => given);
      if (email !== undefined) await credentials.emailChanged(realm, user);
      return user;
    },

    async setUserEnabled(realmId, userName, enabled) {
      const realm = await requireRealm(context, realmId);
      // The table first: the gateway reads it, so a disabled user is refused before the sessions have ended.
      const user = await changeUser(context, realm, userName, () => ({ enabled }));
      await credentials.enabledChanged(realm, user);
      return user;
    },

    deleteUser: (realm, userName) => deleteUser(context, realm, userName),
    deleteTenantUsers: (realm, tenantId) => deleteTenantUsers(context, realm, tenantId),

    stagedPassword: (tenantId, email, password) => stagedPassword(context, tenantId, email, password),
    async emailTaken(realm, email) {
      return (await table.get(emailKey(realm, email))) !== undefined;
    },
  };
}

async function getUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: RealmId,
  userName: string,
): Promise<User | undefined> {
  const item = await findUser(context, realm, userName);
  if (!item || item.data.status === 'CONFIRMED') return item && toUser(item.data);
  return withCurrentStatus(context, await requireRealm(context, realm), item.data);
}

async function listUsers<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  { tenantId, after, limit }: Parameters<Identity['users']>[1],
): Promise<UserPage> {
  const page = await context.table.query({
    ...usersOf(realmId, tenantId),
    limit,
    ...(after !== undefined && { after }),
  });
  const records = page.items.map(({ data }) => data).filter(isComplete);
  const items = await withCurrentStatuses(context, realmId, records);
  return { items, ...(page.next !== undefined && { next: page.next }) };
}

async function withCurrentStatuses<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  records: readonly UserRecord[],
): Promise<readonly User[]> {
  if (records.every(({ status }) => status === 'CONFIRMED')) return records.map(toUser);
  const realm = await requireRealm(context, realmId);
  const users: User[] = [];
  for (const batch of batchesOf(records, CALLS_AT_ONCE))
    users.push(...(await Promise.all(batch.map((record) => withCurrentStatus(context, realm, record)))));
  return users;
}

/** Asks the provider whether an invited user has signed in since. The record keeps the change. */
async function withCurrentStatus<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  record: UserRecord,
): Promise<User> {
  const user = toUser(record);
  if (user.status === 'CONFIRMED') return user;
  const status = await context.credentials.statusOf(realm, user);
  return status === user.status ? user : changeUser(context, realm, user.userName, () => ({ status }));
}
