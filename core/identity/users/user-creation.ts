import { ConditionFailed, type DomainError } from '../../errors.ts';
import { fold } from '../../fields/user-name.ts';
import type { ChosenPassword } from '../../ports/credentials.ts';
import type { NewUser, RealmId, RealmSpec, User } from '../../ports/identity.ts';
import { put, type Table, type Write } from '../../ports/table.ts';
import { underMailLimits } from './mail-limits.ts';
import { epochSeconds, requireRealm, type StoreContext, timestamp, unknownRealm } from './store-context.ts';
import { removal } from './user-deletion.ts';
import {
  emailItem,
  emailKey,
  realmKey,
  type StagedPassword,
  stagedKey,
  subjectItem,
  toUser,
  type UserRecord,
  userItem,
  userKey,
} from './user-records.ts';
import { requireStrongPassword, userTaken, validUser, validUserFields } from './user-rules.ts';

/** A user name whose creation has not completed after this time is free again. */
const RESERVATION_SECONDS = 60;
const STAGED_SECONDS = 7 * 86_400;

interface FirstPassword<Secret extends object> {
  /** @default - the user is invited by mail */
  readonly chosen?: ChosenPassword<Secret>;
  /** Delete the staged password. */
  readonly spent: readonly Write[];
}

/** A write, and the error that its failed condition means. */
type GuardedWrite = readonly [write: Write, refusal?: (cause: unknown) => DomainError];

/** Implements `Identity.createUser`. */
export async function createUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  given: NewUser,
): Promise<User> {
  const realm = await requireRealm(context, realmId);
  const user = validUser(realm, given);
  const password = await choosePassword(context, realmId, user);
  const { email: to, tenantId } = user;
  const create = (): Promise<User> => createWith(context, realm, user, password);
  return password.chosen ? create() : underMailLimits(context.mailLimits, { to, tenantId }, create);
}

async function createWith<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  user: NewUser,
  { chosen, spent }: FirstPassword<Secret>,
): Promise<User> {
  const draft = draftOf(user, chosen ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD', timestamp(context));
  const reserved = context.credentials.keptIn === 'service';
  if (reserved) await reserve(context, realm, draft);
  try {
    const { subject, secret, writes, committed } = await context.credentials.issue(realm, user, chosen);
    const record: UserRecord<Secret> = { ...draft, subject, ...(secret && { secret }) };
    await commit(context.table, [
      ...(reserved ? completion(realm.id, record) : freshNames(realm.id, record)),
      [put(subjectItem(realm.id, context.credentials.configOf(realm), record, reserved ? 2 : 1), 'absent')],
      realmPresent(realm.id),
      ...[...spent, ...writes].map((write): GuardedWrite => [write]),
    ]);
    committed?.();
    return toUser(record);
  } catch (error) {
    if (reserved) await release(context, realm, draft);
    throw error;
  }
}

/** Implements `Identity.stagedPassword`. */
export async function stagedPassword<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  tenantId: string,
  email: string,
  password: string,
): Promise<Write> {
  validUserFields({ email });
  requireStrongPassword('pool', password);
  const data: StagedPassword<Secret> = { email, secret: await context.credentials.protect(tenantId, password) };
  const expiresAt = epochSeconds(context) + STAGED_SECONDS;
  return put({ ...stagedKey<Secret>(tenantId), version: 1, data, expiresAt });
}

/**
 * The write that replaces a staged password by an expired item without one. It needs no permission to delete.
 * @param nowMs epoch milliseconds
 */
export function withdrawnPassword(tenantId: string, nowMs: number): Write {
  const data: StagedPassword = { email: '', secret: {} };
  return put({ ...stagedKey(tenantId), version: 1, data, expiresAt: Math.floor(nowMs / 1000) });
}

/** The password given or staged for the user, and the writes that use it up. Throws INVALID for a weak password. */
async function choosePassword<Secret extends object, Realm extends RealmSpec>(
  { table }: StoreContext<Secret, Realm>,
  realm: RealmId,
  { password, tenantId, email }: NewUser,
): Promise<FirstPassword<Secret>> {
  if (password !== undefined) {
    requireStrongPassword(realm, password);
    return { chosen: { kind: 'clear', password }, spent: [] };
  }
  if (tenantId === undefined) return { spent: [] };
  const staged = await table.get(stagedKey<Secret>(tenantId));
  if (!staged || fold(staged.data.email) !== fold(email)) return { spent: [] };
  const { pk, sk, version, data } = staged;
  return {
    chosen: { kind: 'protected', secret: data.secret, tenantId },
    spent: [{ delete: { pk, sk }, if: { version } }],
  };
}

function draftOf({ userName, email, role, tenantId }: NewUser, status: User['status'], created: string): User {
  return {
    ...{ userName, email, role },
    ...(tenantId !== undefined && { tenantId }),
    ...{ subject: '', enabled: true, status, created, modified: created },
  };
}

/** Reserves user name and email for a minute. Throws CONFLICT if one is taken. */
async function reserve<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  draft: User,
): Promise<void> {
  const expiresAt = epochSeconds(context) + RESERVATION_SECONDS;
  await commit(context.table, [...freshNames(realm.id, draft, expiresAt), realmPresent(realm.id)]);
}

/** Deletes the reservation of a failed creation. If that fails too, the reservation expires. */
async function release<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  draft: User,
): Promise<void> {
  const { table, unguarded = table } = context;
  try {
    await unguarded.transact(await removal(context, { realm, id: realm.id, realmFollows: false }, draft));
  } catch {
    // The first error is the one to report.
  }
}

/**
 * Claims the user name and the email, if both are free. Users sign in with either, so a user name must not be the email
 * of another user, nor the reverse. A reservation is not listed among the tenant's users.
 */
function freshNames(realm: RealmId, record: UserRecord, expiresAt?: number): readonly GuardedWrite[] {
  const { userName, email } = record;
  const nameTaken = (cause: unknown) => userTaken('userName', cause);
  const emailTaken = (cause: unknown) => userTaken('email', cause);
  const { indexes, ...user } = userItem(realm, record, 1);
  const expiry = expiresAt === undefined ? {} : { expiresAt };
  const listed = indexes && expiresAt === undefined ? { indexes } : {};
  return [
    [put({ ...user, ...listed, ...expiry }, 'absent'), nameTaken],
    [put({ ...emailItem(realm, record, 1), ...expiry }, 'absent'), emailTaken],
    ...(fold(userName) === fold(email)
      ? []
      : ([
          [{ check: emailKey(realm, userName), if: 'absent' }, nameTaken],
          [{ check: userKey(realm, email), if: 'absent' }, emailTaken],
        ] as const)),
  ];
}

/** Makes a reservation permanent, if it still exists. */
function completion(realm: RealmId, record: UserRecord): readonly GuardedWrite[] {
  return [[put(userItem(realm, record, 2), { version: 1 })], [put(emailItem(realm, record, 2), { version: 1 })]];
}

function realmPresent(realm: RealmId): GuardedWrite {
  return [{ check: realmKey(realm), if: 'present' }, (cause) => unknownRealm(realm, cause)];
}

async function commit(table: Table, guarded: readonly GuardedWrite[]): Promise<void> {
  try {
    await table.transact(guarded.map(([write]) => write));
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    const [, refusal] = guarded[error.failed[0] ?? 0] ?? [];
    throw refusal ? refusal(error) : error;
  }
}
