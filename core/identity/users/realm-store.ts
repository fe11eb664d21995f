import { isDomainError } from '../../errors.ts';
import type { RealmConfig, RealmId, RealmSpec } from '../../ports/identity.ts';
import { put } from '../../ports/table.ts';
import { requireRealm, type StoreContext } from './store-context.ts';
import { deleteUsers } from './user-deletion.ts';
import { realmItem, realmKey, usersOf } from './user-records.ts';

/** Implements `Identity.ensureRealm`. */
export async function ensureRealm<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  spec: RealmSpec,
): Promise<RealmConfig> {
  const { table, credentials } = context;
  const known = await table.get(realmKey<Realm>(spec.id));
  if (!known) return credentials.configOf(await createRealm(context, spec));
  if (known.data.displayName !== spec.displayName) {
    const renamed = realmItem({ ...known.data, displayName: spec.displayName }, known.version + 1);
    await table.transact([put(renamed, { version: known.version })]);
  }
  return credentials.configOf(known.data);
}

async function createRealm<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  spec: RealmSpec,
): Promise<Realm> {
  const { realm, writes } = await context.credentials.prepareRealm(spec);
  try {
    await context.table.transact([put(realmItem(realm, 1), 'absent'), ...writes]);
    return realm;
  } catch (error) {
    // Another caller has created the realm meanwhile.
    if (!isDomainError(error, 'CONDITION_FAILED')) throw error;
    return requireRealm(context, spec.id);
  }
}

/** Implements `Identity.realm`. */
export async function describeRealm<Secret extends object, Realm extends RealmSpec>(
  { table, credentials }: StoreContext<Secret, Realm>,
  id: RealmId,
): Promise<(RealmSpec & RealmConfig) | undefined> {
  const item = await table.get(realmKey<Realm>(id));
  if (!item) return undefined;
  const { displayName, tenantId } = item.data;
  return { id, displayName, ...(tenantId !== undefined && { tenantId }), ...credentials.configOf(item.data) };
}

/** Implements `Identity.deleteRealm`. The realm's record goes last, so that a failed deletion can be repeated. */
export async function deleteRealm<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  id: RealmId,
): Promise<void> {
  const { table, credentials } = context;
  const item = await table.get(realmKey<Realm>(id));
  await deleteUsers(context, { realm: item?.data, id, where: usersOf(id), realmFollows: true });
  if (!item) return;
  const writes = await credentials.deleteRealm(item.data);
  await table.transact([{ delete: realmKey(id) }, ...writes]);
}
