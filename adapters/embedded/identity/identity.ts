import { exportJWK, generateKeyPair } from 'jose';
import { ConditionFailed, DomainError, isDomainError } from '../../../core/errors.ts';
import { ADMIN_CLIENT, APP_CLIENT, issuerOf } from '../../../core/identity/issuers.ts';
import { requireStrongPassword, requireUser, requireUserFields, userTaken } from '../../../core/identity/user-rules.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Identity, NewUser, RealmConfig, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import { type Item, type Partition, put, type Table, type Write } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import { newId } from '../../../core/tenant/names.ts';
import type { EmbeddedMailer, Mail } from '../mail/mailer.ts';
import {
  deleteAll,
  type EmailRecord,
  emailKey,
  fold,
  mailOwner,
  type RealmKeys,
  realmItem,
  realmKey,
  realmKeysKey,
  realmUsers,
  type StagedPassword,
  stagedKey,
  subjectItem,
  tenantUsers,
  toUser,
  type UserRecord,
  userItem,
  userKey,
} from './identity-records.ts';
import { invitation } from './invitation.ts';
import { deleteRealmState, revokeSubject } from './oidc-store.ts';
import type { Passwords } from './passwords.ts';

export interface IdentityOptions {
  readonly table: Table;
  readonly mailer: Pick<EmbeddedMailer, 'draft' | 'deliver' | 'forget'>;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** The front door, without a slash at its end. */
  readonly publicUrl: string;
}

/** The Identity port, and what only sign-in needs. */
export interface EmbeddedIdentity extends Identity {
  /** By the token's `sub`; undefined where unknown. */
  userOf(realm: RealmId, subject: string): Promise<User | undefined>;
  /** Sets a chosen password and ends the user's sessions but one. Throws NOT_FOUND, INVALID if weak. */
  setPassword(realm: RealmId, userName: string, password: string, keepSession?: string): Promise<User>;
}

const STAGED_DAYS = 7;
const MAX_TRIES = 5;

/** Users, realms and subjects in the platform's table. */
export function openIdentity(options: IdentityOptions): EmbeddedIdentity {
  const { table, mailer, passwords, clock, random, publicUrl } = options;
  const now = (): string => new Date(clock.now()).toISOString();

  async function recordOf(realm: RealmId, userName: string): Promise<Item<UserRecord>> {
    const item = await table.get(userKey(realm, userName));
    if (!item) throw new DomainError('NOT_FOUND', 'user not found');
    return item;
  }

  function configOf(realm: RealmId): RealmConfig {
    return { issuer: issuerOf(publicUrl, realm), clientId: realm === 'admin' ? ADMIN_CLIENT : APP_CLIENT };
  }

  /** Reads, changes and writes a user with its subject, again if another writer came first. */
  async function change(
    realm: RealmId,
    userName: string,
    changed: (before: UserRecord) => UserRecord,
    also: (before: UserRecord, after: UserRecord) => readonly Write[] = () => [],
  ): Promise<User> {
    for (let tries = 1; ; tries++) {
      const item = await recordOf(realm, userName);
      const after: UserRecord = { ...changed(item.data), modified: now() };
      const version = item.version + 1;
      try {
        await table.transact([
          put(userItem(realm, after, version), { version: item.version }),
          put(subjectItem(realm, issuerOf(publicUrl, realm), after, version)),
          ...also(item.data, after),
        ]);
        return toUser(after);
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        if (!error.failed.includes(0)) throw userTaken('email');
        if (tries === MAX_TRIES) throw error;
      }
    }
  }

  /** The writes that remove a user: the record, its email, its subject and its mails. */
  async function removal(realm: RealmId, { email, subject }: UserRecord): Promise<Write[]> {
    return [
      { delete: emailKey(realm, email) },
      { delete: subjectKey(realm, subject) },
      ...(await mailer.forget(mailOwner(realm, subject))),
    ];
  }

  async function deleteUsers(realm: RealmId, where: Partition<UserRecord>): Promise<void> {
    await deleteAll(table, where, async ({ data }) => {
      await revokeSubject(table, realm, data.subject);
      return removal(realm, data);
    });
  }

  /** What the user's password is to be, and the mail that goes with it. */
  async function credentialsOf(
    spec: RealmSpec,
    user: NewUser,
    subject: string,
  ): Promise<{ secret: UserRecord['secret']; status: User['status']; writes: readonly Write[] }> {
    if (user.password !== undefined) {
      requireStrongPassword(spec.id, user.password);
      return { secret: await passwords.hash(user.password), status: 'CONFIRMED', writes: [] };
    }
    const staged = user.tenantId === undefined ? undefined : await table.get(stagedKey(user.tenantId));
    if (staged && fold(staged.data.email) === fold(user.email)) {
      const { pk, sk, version } = staged;
      return { secret: staged.data.secret, status: 'CONFIRMED', writes: [{ delete: { pk, sk }, if: { version } }] };
    }
    const { password, secret } = passwords.temporary(subject);
    const mail: Mail = invitation({ spec, user, password, signInUrl: signInUrl(spec.id, user.userName) });
    return { secret, status: 'FORCE_CHANGE_PASSWORD', writes: mailer.draft(mail, mailOwner(spec.id, subject)) };
  }

  function signInUrl(realm: RealmId, userName: string): string {
    return `${issuerOf(publicUrl, realm)}/account?login_hint=${encodeURIComponent(userName)}`;
  }

  const identity: EmbeddedIdentity = {
    async ensureRealm(spec) {
      const known = await table.get(realmKey(spec.id));
      if (!known) await createRealm(table, spec, random, clock);
      else if (known.data.displayName !== spec.displayName) {
        const version = known.version + 1;
        await table.transact([put({ ...realmItem(spec), version }, { version: known.version })]);
      }
      return configOf(spec.id);
    },

    async realm(id) {
      const item = await table.get(realmKey(id));
      return item && { ...item.data, ...configOf(id) };
    },

    async deleteRealm(id) {
      await deleteUsers(id, realmUsers(id));
      await deleteRealmState(table, id);
      await table.transact([{ delete: realmKey(id) }, { delete: realmKeysKey(id) }]);
    },

    async createUser(realm, user) {
      const spec = await table.get(realmKey(realm));
      if (!spec) throw new DomainError('NOT_FOUND', `realm '${realm}' not found`);
      requireUser(spec.data, user);
      const { userName, email, role, tenantId } = user;
      const subject = newId(clock.now(), random);
      const { secret, status, writes } = await credentialsOf(spec.data, user, subject);
      const created = now();
      const record: UserRecord = {
        userName,
        email,
        role,
        ...(tenantId !== undefined && { tenantId }),
        subject,
        enabled: true,
        status,
        created,
        modified: created,
        secret,
      };
      try {
        await table.transact([
          put(userItem(realm, record, 1), 'absent'),
          put(emailItem(realm, record), 'absent'),
          put(subjectItem(realm, issuerOf(publicUrl, realm), record, 1), 'absent'),
          { check: realmKey(realm), if: 'present' },
          ...(fold(userName) === fold(email) ? [] : notAnothersLogin(realm, userName, email)),
          ...writes,
        ]);
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        const [first = 0] = error.failed;
        if (first === 0 || first === 4) throw userTaken('userName', error);
        if (first === 1 || first === 5) throw userTaken('email', error);
        throw error;
      }
      mailer.deliver();
      return toUser(record);
    },

    async user(realm, userName) {
      const item = await table.get(userKey(realm, userName));
      return item && toUser(item.data);
    },

    async userOf(realm, subject) {
      const item = await table.get(subjectKey(realm, subject));
      return item && identity.user(realm, item.data.userName);
    },

    async users(realm, { tenantId, after, limit }) {
      const page = await table.query({
        ...(tenantId === undefined ? realmUsers(realm) : tenantUsers(realm, tenantId)),
        ...(after !== undefined && { after }),
        limit,
      });
      const items = page.items.map(({ data }) => toUser(data));
      return { items, ...(page.next !== undefined && { next: page.next }) };
    },

    async updateUser(realm, userName, { email, role }) {
      requireUserFields({ ...(email !== undefined && { email }), ...(role !== undefined && { role }) });
      return change(
        realm,
        userName,
        (before) => ({ ...before, email: email ?? before.email, role: role ?? before.role }),
        (before, after) =>
          fold(before.email) === fold(after.email)
            ? []
            : [
                put(emailItem(realm, after), 'absent'),
                { delete: emailKey(realm, before.email) },
                ...(fold(after.email) === fold(userName) ? [] : notAnothersLogin(realm, undefined, after.email)),
              ],
      );
    },

    async setUserEnabled(realm, userName, enabled) {
      const user = await change(realm, userName, (before) => ({ ...before, enabled }));
      if (!enabled) await revokeSubject(table, realm, user.subject);
      return user;
    },

    async setPassword(realm, userName, password, keepSession) {
      requireStrongPassword(realm, password);
      const secret = await passwords.hash(password);
      const user = await change(realm, userName, (before) => ({ ...before, secret, status: 'CONFIRMED' }));
      await revokeSubject(table, realm, user.subject, keepSession);
      return user;
    },

    async deleteUser(realm, userName) {
      const item = await table.get(userKey(realm, userName));
      if (!item) return;
      await table.transact([{ delete: userKey(realm, userName) }, ...(await removal(realm, item.data))]);
      await revokeSubject(table, realm, item.data.subject);
    },

    async deleteTenantUsers(realm, tenantId) {
      await deleteUsers(realm, tenantUsers(realm, tenantId));
      await table.transact([{ delete: stagedKey(tenantId) }]);
    },

    async stagePassword(tenantId, email, password) {
      requireUserFields({ email });
      requireStrongPassword('pool', password);
      const data: StagedPassword = { email, secret: await passwords.hash(password) };
      const expiresAt = Math.floor(clock.now() / 1000) + STAGED_DAYS * 86_400;
      await table.transact([put({ ...stagedKey(tenantId), version: 1, data, expiresAt })]);
    },

    async emailTaken(realm, email) {
      return (await table.get(emailKey(realm, email))) !== undefined;
    },
  };
  return identity;
}

/** ES256: such a key is made in a millisecond, an RSA key would cost an onboarding a tenth of a second and more. */
async function createRealm(table: Table, spec: RealmSpec, random: RandomBytes, clock: Clock): Promise<void> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: newId(clock.now(), random), use: 'sig', alg: 'ES256' };
  const keys: Item<RealmKeys> = { ...realmKeysKey(spec.id), version: 1, data: { keys: [jwk] } };
  try {
    await table.transact([put(realmItem(spec), 'absent'), put(keys, 'absent')]);
  } catch (error) {
    // Someone else was first, and that is as good.
    if (!isDomainError(error, 'CONDITION_FAILED')) throw error;
  }
}

function emailItem(realm: RealmId, { email, userName }: UserRecord): Item<EmailRecord> {
  return { ...emailKey(realm, email), version: 1, data: { userName } };
}

/** One signs in by user name or email, so neither may be the other one of somebody else. */
function notAnothersLogin(realm: RealmId, userName: string | undefined, email: string): Write[] {
  return [
    ...(userName === undefined ? [] : [{ check: emailKey(realm, userName), if: 'absent' } as const]),
    { check: userKey(realm, email), if: 'absent' },
  ];
}
