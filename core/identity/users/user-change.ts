import { DomainError } from '../../errors.ts';
import { fold } from '../../fields/user-name.ts';
import type { RealmSpec, User } from '../../ports/identity.ts';
import { type Check, type ListedItem, type Page, put, type Write } from '../../ports/table.ts';
import { updateItem } from '../../retry/update-item.ts';
import { canReplace, isAdministrator, lastAdministrator } from './administrators.ts';
import { findUser, isComplete, isLogin, type StoreContext, timestamp, unknownUser } from './store-context.ts';
import {
  emailItem,
  emailKey,
  subjectItem,
  toUser,
  type UserRecord,
  userItem,
  userKey,
  usersOf,
} from './user-records.ts';
import { userTaken } from './user-rules.ts';

const PAGE = 100;

/** Further writes of the transaction that changes a user. */
export interface FurtherWrites {
  readonly writes: readonly Write[];
  /** The error if a condition of `writes` does not hold. @default - `writes` have no conditions */
  readonly refusal?: () => DomainError;
}

/**
 * Reads, changes and writes a user. Repeats if another writer was faster.
 *
 * A change that removes an administrator is committed only if the record of another, remaining administrator has not
 * changed meanwhile. So if two administrators remove each other at the same moment, even in two processes, one remains.
 *
 * Throws NOT_FOUND, CONFLICT if the new email is taken or if the user is the last administrator, UNAVAILABLE if the
 * user keeps changing.
 */
export async function changeUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  userName: string,
  changed: (before: UserRecord<Secret>) => Partial<UserRecord<Secret>>,
  further: FurtherWrites = { writes: [] },
): Promise<User> {
  if (!isLogin(userName)) throw unknownUser();
  const { data } = await updateItem(
    context.table,
    userKey<Secret>(realm.id, userName),
    async (item) => {
      if (!item || !isComplete(item.data)) throw unknownUser();
      const before = item.data;
      const after: UserRecord<Secret> = { ...before, ...changed(before), modified: timestamp(context) };
      const version = item.version + 1;
      const own = [
        put(subjectItem(realm.id, context.credentials.configOf(realm), after, version)),
        ...(await emailMoves(context, realm, before, after)),
      ];
      return {
        item: userItem(realm.id, after, version),
        basis: await administratorRemains(context, realm, before, after),
        also: [...own, ...further.writes],
        refusal: (failed) => (failed.some((index) => index < own.length) ? userTaken('email') : further.refusal?.()),
      };
    },
    { contended: (cause) => new DomainError('UNAVAILABLE', 'the user keeps changing, try again', { cause }) },
  );
  return toUser(data);
}

/**
 * The condition under which an administrator remains after this change; empty if the change removes none.
 * Throws CONFLICT if none would remain.
 */
async function administratorRemains<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  before: User,
  after: User,
): Promise<readonly Check[]> {
  if (!isAdministrator(realm.id, before) || isAdministrator(realm.id, after)) return [];
  const other = await findReplacement(context, realm, before);
  if (!other) throw lastAdministrator(realm.id, before);
  const key = userKey(realm.id, other.data.userName);
  // A transaction cannot require the same record to be both unchanged and absent.
  if (key.sk === fold(after.email)) throw userTaken('email');
  return [{ check: key, if: { version: other.version } }];
}

async function findReplacement<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  user: User,
): Promise<Pick<ListedItem<UserRecord>, 'data' | 'version'> | undefined> {
  const { table, credentials } = context;
  const where = usersOf(realm.id, user.tenantId);
  let after: string | undefined;
  do {
    const page: Page<UserRecord> = await table.query({ ...where, limit: PAGE, ...(after !== undefined && { after }) });
    for (const { data } of page.items.filter((item) => isAdministrator(realm.id, item.data))) {
      // An index may lag behind its items, so the record itself decides.
      const item = await findUser(context, realm.id, data.userName);
      if (!item) continue;
      const status = item.data.status === 'CONFIRMED' ? 'CONFIRMED' : await credentials.statusOf(realm, item.data);
      if (canReplace(realm.id, user, { ...item.data, status })) return item;
    }
    after = page.next;
  } while (after !== undefined);
  return undefined;
}

/** A user whose name has the form of an email keeps holding that email, whatever the user's email is. */
async function emailMoves<Secret extends object, Realm extends RealmSpec>(
  { table }: StoreContext<Secret, Realm>,
  realm: RealmSpec,
  before: User,
  after: User,
): Promise<readonly Write[]> {
  const email = fold(after.email);
  if (fold(before.email) === email) return [];
  const isOwnName = email === fold(after.userName);
  const held = isOwnName ? await table.get(emailKey(realm.id, email)) : undefined;
  const isHeld = held !== undefined && fold(held.data.userName) === email;
  return [
    isHeld
      ? { check: emailKey(realm.id, email), if: { version: held.version } }
      : put(emailItem(realm.id, after, 1), 'absent'),
    ...(isNamedBy(before, before.email) ? [] : [{ delete: emailKey(realm.id, before.email) }]),
    ...(isOwnName ? [] : [{ check: userKey(realm.id, after.email), if: 'absent' } as const]),
  ];
}

function isNamedBy({ userName }: User, email: string): boolean {
  return fold(userName) === fold(email);
}
