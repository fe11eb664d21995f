import { DomainError } from '../../errors.ts';
import { fold } from '../../fields/user-name.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Credentials } from '../../ports/credentials.ts';
import type { RealmId, RealmSpec } from '../../ports/identity.ts';
import type { Item, Table } from '../../ports/table.ts';
import type { MailLimits } from './mail-limits.ts';
import { emailKey, realmKey, type UserRecord, userKey } from './user-records.ts';

/** Concurrent calls to the credentials provider. */
export const CALLS_AT_ONCE = 10;

/** What every operation of the user store works with. */
export interface StoreContext<Secret extends object = object, Realm extends RealmSpec = RealmSpec> {
  /** Commits a change only while the caller may make it (`Identity.guardedBy`). */
  readonly table: Table;
  /** The same table, for the steps that complete or undo a change that has begun. @default - `table` */
  readonly unguarded?: Table;
  readonly credentials: Credentials<Secret, Realm>;
  readonly clock: Clock;
  /**
   * The table may hold users whose name has the form of an email that the table does not record as theirs: version 0.1.0
   * made such users. @default false
   */
  readonly hasOlderUsers?: boolean;
  /** Limits the mails that users get. @default - no limit */
  readonly mailLimits?: MailLimits;
}

/** A UTF-16 code unit takes at most three bytes in UTF-8, so a text of this length fits into a key of 1024 bytes. */
const MAX_LOGIN_LENGTH = 340;

/** Whether a user name or email of this text may exist at all. Other texts are unknown users, not errors. */
export function isLogin(text: string): boolean {
  const folded = fold(text);
  return /^[^\p{Cc}]+$/u.test(folded) && folded.length <= MAX_LOGIN_LENGTH && folded.isWellFormed();
}

/** Throws NOT_FOUND. */
export async function requireRealm<Secret extends object, Realm extends RealmSpec>(
  { table }: StoreContext<Secret, Realm>,
  id: RealmId,
): Promise<Realm> {
  const item = await table.get(realmKey<Realm>(id));
  if (!item) throw unknownRealm(id);
  return item.data;
}

export function unknownRealm(id: RealmId, cause?: unknown): DomainError {
  return new DomainError('NOT_FOUND', `realm '${id}' not found`, { cause });
}

export function unknownUser(): DomainError {
  return new DomainError('NOT_FOUND', 'user not found');
}

/**
 * The stored user, or undefined if unknown or not completely created. If no user has this name, the user with this email:
 * an earlier version accepted names that no path can carry, and such users are addressed by their email.
 */
export async function findUser<Secret extends object, Realm extends RealmSpec>(
  { table }: StoreContext<Secret, Realm>,
  realm: RealmId,
  userName: string,
): Promise<Item<UserRecord<Secret>> | undefined> {
  if (!isLogin(userName)) return undefined;
  const item =
    (await table.get(userKey<Secret>(realm, userName))) ?? (await findByEmail<Secret>(table, realm, userName));
  return item && isComplete(item.data) ? item : undefined;
}

async function findByEmail<Secret extends object>(
  table: Table,
  realm: RealmId,
  email: string,
): Promise<Item<UserRecord<Secret>> | undefined> {
  const holder = email.includes('@') ? await table.get(emailKey(realm, email)) : undefined;
  return holder && table.get(userKey<Secret>(realm, holder.data.userName));
}

/** Whether the record is more than a reservation. */
export function isComplete({ subject }: UserRecord): boolean {
  return subject !== '';
}

/** ISO 8601, UTC. */
export function timestamp({ clock }: Pick<StoreContext, 'clock'>): string {
  return new Date(clock.now()).toISOString();
}

/**
 * The `tokensValidFrom` that refuses every token issued until now. Tokens carry whole seconds, so those of the current
 * second are refused, too.
 */
export function tokensValidFrom(context: Pick<StoreContext, 'clock'>): number {
  return epochSeconds(context) + 1;
}

export function epochSeconds({ clock }: Pick<StoreContext, 'clock'>): number {
  return Math.floor(clock.now() / 1000);
}
