import { batchesOf } from '../../collections/batches.ts';
import { isEmail } from '../../fields/email.ts';
import { fold } from '../../fields/user-name.ts';
import type { RealmId, RealmSpec, User } from '../../ports/identity.ts';
import type { Partition, Table, Write } from '../../ports/table.ts';
import { transactInGroups } from '../../ports/table-deletion.ts';
import { subjectKey } from '../../routing/registry.ts';
import { CALLS_AT_ONCE, findUser, requireRealm, type StoreContext } from './store-context.ts';
import { changeUser } from './user-change.ts';
import { emailKey, realmKey, stagedKey, type UserRecord, userKey, usersOf } from './user-records.ts';

const PAGE = 100;

/**
 * Implements `Identity.deleteUser`. The user is disabled first, under the rule of the last administrator: from then on no
 * other change relies on this user, and a deletion that fails leaves a disabled user who is listed and can be deleted.
 */
export async function deleteUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  id: RealmId,
  userName: string,
): Promise<void> {
  const item = await findUser(context, id, userName);
  if (!item) return;
  const realm = await requireRealm(context, id);
  const deletion = { realm, id, realmFollows: false };
  if (!item.data.enabled) return context.table.transact(await removal(context, deletion, item.data));
  const user = await changeUser(context, realm, item.data.userName, () => ({ enabled: false }));
  // The guard has permitted the deletion. It would refuse this step to a user who deletes themselves.
  const { table, unguarded = table } = context;
  await unguarded.transact(await removal(context, deletion, user));
}

/** Implements `Identity.deleteTenantUsers`. */
export async function deleteTenantUsers<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  id: RealmId,
  tenantId: string,
): Promise<void> {
  const item = await context.table.get(realmKey<Realm>(id));
  await deleteUsers(context, { realm: item?.data, id, where: usersOf(id, tenantId), realmFollows: false });
  await context.table.transact([{ delete: stagedKey(tenantId) }]);
}

interface Deletion<Realm> {
  /** Undefined if the realm is unknown: then its users have no credentials any more. */
  readonly realm: Realm | undefined;
  readonly id: RealmId;
  readonly realmFollows: boolean;
}

/** Deletes all users that `where` finds, administrators included. */
export async function deleteUsers<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  options: Deletion<Realm> & { readonly where: Partition<UserRecord> },
): Promise<void> {
  const { table } = context;
  for (;;) {
    const { items } = await table.query({ ...options.where, limit: PAGE });
    if (items.length === 0) return;
    for (const batch of batchesOf(items, CALLS_AT_ONCE)) {
      const removals = batch.map(({ data }) => removal(context, options, data));
      await transactInGroups(table, await Promise.all(removals));
    }
  }
}

/**
 * Ends the user's credentials. Returns the writes that delete the record: a deletion that fails in between is repeated,
 * as the user is still listed.
 */
export async function removal<Secret extends object, Realm extends RealmSpec>(
  { credentials, table }: StoreContext<Secret, Realm>,
  { realm, id, realmFollows }: Deletion<Realm>,
  user: User,
): Promise<readonly Write[]> {
  const writes = realm ? await credentials.withdraw(realm, user, { realmFollows }) : [];
  return [
    { delete: userKey(id, user.userName) },
    { delete: emailKey(id, user.email) },
    ...((await holdsName(table, id, user)) ? [{ delete: emailKey(id, user.userName) }] : []),
    ...(user.subject === '' ? [] : [{ delete: subjectKey(id, user.subject) }]),
    ...writes,
  ];
}

/** Whether the user's name is an email that the user holds beside the user's present one. */
async function holdsName(table: Table, id: RealmId, { userName, email }: User): Promise<boolean> {
  if (!isEmail(userName) || fold(userName) === fold(email)) return false;
  const held = await table.get(emailKey(id, userName));
  return held !== undefined && fold(held.data.userName) === fold(userName);
}
