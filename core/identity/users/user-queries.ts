import { batchesOf } from '../../collections/batches.ts';
import type { Identity, RealmId, RealmSpec, User, UserPage } from '../../ports/identity.ts';
import { CALLS_AT_ONCE, findUser, isComplete, requireRealm, type StoreContext } from './store-context.ts';
import { changeUser } from './user-change.ts';
import { toUser, type UserRecord, usersOf } from './user-records.ts';

/** Implements `Identity.user`. */
export async function getUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: RealmId,
  userName: string,
): Promise<User | undefined> {
  const item = await findUser(context, realm, userName);
  if (!item || item.data.status === 'CONFIRMED') return item && toUser(item.data);
  return withCurrentStatus(context, await requireRealm(context, realm), item.data);
}

/** Implements `Identity.users`. */
export async function listUsers<Secret extends object, Realm extends RealmSpec>(
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
