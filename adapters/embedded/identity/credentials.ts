import { ADMIN_CLIENT, APP_CLIENT, issuerOf } from '../../../core/identity/issuers.ts';
import { invitationMail, signInLink } from '../../../core/identity/mails.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { ChosenPassword, Credentials, IssuedPassword } from '../../../core/ports/credentials.ts';
import type { MailTenant, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import { put, type Table } from '../../../core/ports/table.ts';
import { newId } from '../../../core/tenant/ids.ts';
import { passwordResetKey } from '../../shared/identity/password-reset-record.ts';
import type { EmbeddedMailer } from '../mail/mailer.ts';
import { deleteRealmState, revokeSubject } from './oidc-store.ts';
import type { PasswordSecret, Passwords } from './passwords.ts';
import { createRealmKeys, realmKeysKey } from './realm-keys.ts';

export interface CredentialsOptions {
  readonly table: Table;
  readonly mailer: Pick<EmbeddedMailer, 'draft' | 'deliver' | 'deletionOf'>;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** The public URL of the platform, without a trailing slash. */
  readonly publicUrl: string;
}

/** The Credentials port over the platform's own table: hashed passwords, sessions of oidc-provider, keys of the realms. */
export function createTableCredentials(options: CredentialsOptions): Credentials<PasswordSecret, RealmSpec> {
  const { table, mailer, passwords, clock, random, publicUrl } = options;

  return {
    keptIn: 'table',

    async prepareRealm(realm) {
      const keys = await createRealmKeys(realm.id, newId(clock.now(), random));
      return { realm, writes: [put(keys, 'absent')] };
    },

    configOf: ({ id }) => ({
      issuer: issuerOf(publicUrl, id),
      clientId: id === 'admin' ? ADMIN_CLIENT : APP_CLIENT,
    }),

    async deleteRealm({ id }) {
      await deleteRealmState(table, id);
      return [{ delete: realmKeysKey(id) }];
    },

    protect: (_tenantId, password) => passwords.hash(password),

    async issue(realm, user, chosen) {
      const subject = newId(clock.now(), random);
      if (!chosen) return { subject, ...invite(options, realm, { ...user, subject }, user.invitation) };
      return { subject, secret: await secretOf(passwords, chosen), writes: [] };
    },

    invite: async (realm, user, tenant) => invite(options, realm, user, tenant),
    setPassword: async (_realm, _user, password) => ({ secret: await passwords.hash(password), writes: [] }),
    endSessions: ({ id }, { subject }, keepSession) => revokeSubject(table, id, subject, keepSession),

    statusOf: async (_realm, { status }) => status,
    emailChanged: async () => {},

    async enabledChanged({ id }, { enabled, subject }) {
      if (!enabled) await revokeSubject(table, id, subject);
    },

    async withdraw({ id }, { subject }, { realmFollows }) {
      if (!realmFollows) await revokeSubject(table, id, subject);
      return [{ delete: passwordResetKey(id, subject) }, ...(await mailer.deletionOf(mailOwner(id, subject)))];
    },
  };
}

function secretOf(passwords: Passwords, chosen: ChosenPassword<PasswordSecret>): Promise<PasswordSecret> {
  return chosen.kind === 'clear' ? passwords.hash(chosen.password) : Promise.resolve(chosen.secret);
}

function invite(
  { mailer, passwords, publicUrl }: CredentialsOptions,
  realm: RealmSpec,
  { subject, userName, email }: Pick<User, 'subject' | 'userName' | 'email'>,
  tenant: MailTenant | undefined,
): IssuedPassword<PasswordSecret> {
  const { password, secret } = passwords.temporary(subject);
  const signInUrl = signInLink(`${issuerOf(publicUrl, realm.id)}/account`, { userName, tenant });
  const mail = invitationMail({ name: tenant?.tenantName ?? realm.displayName, userName, password, signInUrl });
  return {
    secret,
    writes: mailer.draft({ to: email, ...mail }, mailOwner(realm.id, subject)),
    committed: () => mailer.deliver(),
  };
}

/** The mails of a user are deleted with the user. */
export function mailOwner(realm: RealmId, subject: User['subject']): string {
  return `${realm}#${subject}`;
}
