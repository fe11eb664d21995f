import { createHash } from 'node:crypto';
import { DomainError, isDomainError } from '../../../core/errors.ts';
import { createAttemptLimiter } from '../../../core/identity/attempts.ts';
import { issuerOf } from '../../../core/identity/issuers.ts';
import { passwordResetMail } from '../../../core/identity/mails.ts';
import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import { type UserRecord, userKey } from '../../../core/identity/users/user-records.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import { type Item, put, type Table } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import type { EmbeddedMailer } from '../mail/mailer.ts';
import { mailOwner } from './credentials.ts';
import type { EmbeddedIdentity } from './identity.ts';
import { isSameText } from './is-same-text.ts';
import { type PasswordReset, passwordResetKey } from './password-reset-record.ts';
import type { PasswordSecret } from './passwords.ts';

/** How long a link is valid, in seconds. */
const LINK_SECONDS = 30 * 60;
/** The most links that are mailed to one user within half an hour, regardless of who requests them. */
const MAX_PER_USER = 3;
const WINDOW_MS = 30 * 60_000;
const TOKEN = /^([a-z0-9]{1,64})\.([\w-]{43})$/;

export interface PasswordResetsOptions {
  readonly table: Table;
  readonly identity: Pick<EmbeddedIdentity, 'setPassword'>;
  readonly mailer: Pick<EmbeddedMailer, 'draft' | 'deliver'>;
  readonly mailLimits?: MailLimits;
  /** The account with this user name or email, if its user may sign in. */
  readonly findAccount: (realm: RealmId, login: string) => Promise<ResetAccount | undefined>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly publicUrl: string;
}

interface ResetAccount {
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
   * Throws NOT_FOUND if the link is not valid any more, INVALID for a weak password, which does not use it up.
   */
  complete(realm: RealmId, token: string, password: string): Promise<User>;
}

interface ValidLink {
  readonly record: UserRecord<PasswordSecret>;
  readonly reset: Item<PasswordReset>;
}

export function createPasswordResets(options: PasswordResetsOptions): PasswordResets {
  const { table, identity, mailer, mailLimits, findAccount, clock, random, publicUrl } = options;
  const perUser = createAttemptLimiter({ clock, windowMs: WINDOW_MS });

  /** Whether the user may get one more mail. */
  function admits(realm: RealmId, { subject, email: to }: User): boolean {
    if (!perUser.take([{ key: `${realm} ${subject}`, max: MAX_PER_USER }])) return false;
    try {
      // Does not count against the tenant's limit, because anyone can request this mail.
      mailLimits?.take({ to });
      return true;
    } catch (error) {
      if (isDomainError(error, 'TOO_MANY')) return false;
      throw error;
    }
  }

  async function validLink(realm: RealmId, token: string): Promise<ValidLink | undefined> {
    const [, subject = '', secret = ''] = TOKEN.exec(token) ?? [];
    if (subject === '') return undefined;
    const reset = await table.get(passwordResetKey(realm, subject));
    if (!reset || !isSameText(hashOf(secret), reset.data.hash)) return undefined;
    const record = await recordOf(table, realm, subject);
    return record?.enabled && reset.data.replaces === digestOf(record) ? { record, reset } : undefined;
  }

  return {
    async request(realm, login) {
      const account = await findAccount(realm.id, login);
      const record = account && (await recordOf(table, realm.id, account.user.subject));
      if (!record) return { outcome: 'unknown' };
      if (!admits(realm.id, record)) return { outcome: 'limited' };
      const secret = Buffer.from(random(32)).toString('base64url');
      const { subject, userName, email: to } = record;
      const resetUrl = `${issuerOf(publicUrl, realm.id)}/reset-password?token=${subject}.${secret}`;
      const name = account.tenantName ?? realm.displayName;
      await table.transact([
        put({
          ...passwordResetKey(realm.id, subject),
          version: 1,
          data: { hash: hashOf(secret), replaces: digestOf(record) },
          expiresAt: Math.floor(clock.now() / 1000) + LINK_SECONDS,
        }),
        ...mailer.draft({ to, ...passwordResetMail({ name, userName, resetUrl }) }, mailOwner(realm.id, subject)),
      ]);
      mailer.deliver();
      return { outcome: 'mailed' };
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
      return identity.setPassword(realm, record.userName, password, {
        check(before) {
          if (!before.enabled || data.replaces !== digestOf(before)) throw invalidLink();
        },
        // Only one of two parallel requests can delete the link.
        further: { writes: [{ delete: { pk, sk }, if: { version } }], refusal: invalidLink },
      });
    },
  };
}

async function recordOf(
  table: Table,
  realm: RealmId,
  subject: string,
): Promise<UserRecord<PasswordSecret> | undefined> {
  const found = await table.get(subjectKey(realm, subject));
  return found && (await table.get(userKey<PasswordSecret>(realm, found.data.userName)))?.data;
}

function invalidLink(): DomainError {
  return new DomainError('NOT_FOUND', 'the link is not valid any more');
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function digestOf({ secret }: UserRecord<PasswordSecret>): string {
  return hashOf(JSON.stringify(secret ?? null));
}
