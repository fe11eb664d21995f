import { createHash } from 'node:crypto';
import { DomainError, isDomainError } from '../../../core/errors.ts';
import { issuerOf } from '../../../core/identity/issuers.ts';
import { passwordResetMail } from '../../../core/identity/mails.ts';
import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import type { PasswordConditions } from '../../../core/identity/users/user-passwords.ts';
import { type UserRecord, userKey } from '../../../core/identity/users/user-records.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Mailer, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import type { Item, Table, Write } from '../../../core/ports/table.ts';
import { updateItem } from '../../../core/retry/update-item.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import { isSameText } from './is-same-text.ts';
import { type PasswordReset, passwordResetKey } from './password-reset-record.ts';

/** How long a link is valid, in seconds. */
const LINK_SECONDS = 30 * 60;
/** The most links that are mailed to one user within half an hour, regardless of who requests them. */
const MAX_PER_USER = 3;
const TOKEN = /^([a-z0-9-]{1,64})\.([\w-]{43})$/;

/** The conditions under which a link sets a password. */
type LinkConditions = Pick<PasswordConditions<object>, 'check' | 'further'>;

/** A mail that `send` sends once `writes` are committed. */
export interface PreparedMail {
  readonly writes: readonly Write[];
  send(): Promise<void> | void;
}

export interface PasswordResetsOptions {
  readonly table: Table;
  /** Sets a password under these conditions, and ends all sessions of the user. */
  readonly setPassword: (
    realm: RealmId,
    userName: string,
    password: string,
    conditions: LinkConditions,
  ) => Promise<User>;
  readonly prepareMail: (mail: Parameters<Mailer['send']>[0], realm: RealmId, subject: string) => PreparedMail;
  readonly mailLimits?: MailLimits;
  /** The account with this user name or email, if its user may sign in. */
  readonly findAccount: (realm: RealmId, login: string) => Promise<ResetAccount | undefined>;
  /** A text that changes with the user's password. */
  readonly markOf: (record: UserRecord) => string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Links begin with it. Without a slash at the end. */
  readonly publicUrl: string;
}

export interface ResetAccount {
  readonly user: User;
  /** The name of the user's tenant. Absent for system users. */
  readonly tenantName?: string;
}

/** Links with which users who forgot their password choose a new one. */
export interface PasswordResets {
  /**
   * Mails a link to the user with this user name or email. Mails nothing to an unknown or disabled user, to a user of a
   * tenant that is not active, or beyond the limits.
   * @returns what happened, for the log only
   */
  request(realm: RealmSpec, login: string): Promise<{ readonly outcome: 'mailed' | 'unknown' | 'limited' }>;
  /** The account whose link has this token, or undefined if the link is not valid any more. */
  find(realm: RealmId, token: string): Promise<ResetAccount | undefined>;
  /**
   * Sets the password, uses the link up and ends all sessions of the user.
   * Throws NOT_FOUND if the link is not valid any more, INVALID for a weak password, which does not use it up. Throws
   * UNAVAILABLE if a part of the platform does not respond. Then the link may be used up, whether or not the password is
   * set: the link goes first, so that only one of two requests can use it.
   */
  complete(realm: RealmId, token: string, password: string): Promise<User>;
}

interface ValidLink {
  readonly record: UserRecord;
  readonly reset: Item<PasswordReset>;
}

export function createPasswordResets(options: PasswordResetsOptions): PasswordResets {
  const { table, setPassword, findAccount, markOf, clock } = options;
  const digestOf = (record: UserRecord): string => hashOf(markOf(record));

  async function validLink(realm: RealmId, token: string): Promise<ValidLink | undefined> {
    const [, subject = '', secret = ''] = TOKEN.exec(token) ?? [];
    if (subject === '') return undefined;
    const reset = await table.get(passwordResetKey(realm, subject));
    if (!reset || !isSameText(hashOf(secret), reset.data.hash) || isOver(reset, clock)) return undefined;
    const record = await recordOf(table, realm, subject);
    return record?.enabled && reset.data.replaces === digestOf(record) ? { record, reset } : undefined;
  }

  return {
    async request(realm, login) {
      const account = await findAccount(realm.id, login);
      const record = account && (await recordOf(table, realm.id, account.user.subject));
      if (!record) return { outcome: 'unknown' };
      const name = account.tenantName ?? realm.displayName;
      return { outcome: (await mailLink(options, realm.id, record, name)) ? 'mailed' : 'limited' };
    },

    async find(realm, token) {
      const link = await validLink(realm, token);
      return link && findAccount(realm, link.record.userName);
    },

    async complete(realm, token, password) {
      const link = await validLink(realm, token);
      if (!link) throw invalidLink();
      const { record, reset } = link;
      const { pk, sk, version, data } = reset;
      return setPassword(realm, record.userName, password, {
        check(before) {
          if (!before.enabled || data.replaces !== digestOf(before)) throw invalidLink();
        },
        // Only one of two parallel requests can delete the link.
        further: { writes: [{ delete: { pk, sk }, if: { version } }], refusal: invalidLink },
      });
    },
  };
}

/** @returns false beyond the limits; then the earlier link stays valid */
async function mailLink(
  { table, prepareMail, mailLimits, markOf, clock, random, publicUrl }: PasswordResetsOptions,
  realm: RealmId,
  record: UserRecord,
  name: string,
): Promise<boolean> {
  const { subject, userName, email: to } = record;
  const secret = Buffer.from(random(32)).toString('base64url');
  const resetUrl = `${issuerOf(publicUrl, realm)}/reset-password?token=${subject}.${secret}`;
  const mail = prepareMail({ to, ...passwordResetMail({ name, userName, resetUrl }) }, realm, subject);
  const now = Math.floor(clock.now() / 1000);
  const link = { hash: hashOf(secret), replaces: hashOf(markOf(record)) };
  let admitted: boolean | undefined;
  const stored = await updateItem(table, passwordResetKey(realm, subject), (before) => {
    // A time in the future was written before the clock was set back.
    const mailed = (before?.data.mailed ?? []).filter((at) => at > now - LINK_SECONDS && at <= now);
    if (mailed.length >= MAX_PER_USER) return undefined;
    admitted ??= takesMail(mailLimits, to);
    if (!admitted) return undefined;
    const item = { data: { ...link, mailed: [...mailed, now] }, expiresAt: now + LINK_SECONDS };
    return { item, also: mail.writes };
  });
  if (stored?.data.hash !== link.hash) return false;
  await mail.send();
  return true;
}

/** Does not count against the tenant's limit, because anyone can request this mail. */
function takesMail(mailLimits: MailLimits | undefined, to: string): boolean {
  try {
    mailLimits?.take({ to });
    return true;
  } catch (error) {
    if (isDomainError(error, 'TOO_MANY')) return false;
    throw error;
  }
}

/** A store may keep an item for some time after it has expired. */
function isOver({ expiresAt = 0 }: Item<PasswordReset>, clock: Clock): boolean {
  return expiresAt * 1000 <= clock.now();
}

async function recordOf(table: Table, realm: RealmId, subject: string): Promise<UserRecord | undefined> {
  const found = await table.get(subjectKey(realm, subject));
  return found && (await table.get(userKey(realm, found.data.userName)))?.data;
}

function invalidLink(): DomainError {
  return new DomainError('NOT_FOUND', 'the link is not valid any more');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
