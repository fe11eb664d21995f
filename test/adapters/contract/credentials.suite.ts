import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Credentials, IssuedCredentials, IssuedPassword } from '../../../core/ports/credentials.ts';
import type { NewUser, RealmSpec, User } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';

/** A provider of credentials, and what a client of its realms sees. */
export interface CredentialsFixture<Secret extends object, Realm extends RealmSpec> {
  readonly credentials: Credentials<Secret, Realm>;
  readonly table: Table;
  /** Whether this password is the user's. */
  accepts(realm: Realm, user: IssuedUser<Secret>, password: string): Promise<boolean>;
  /** Signs the user in, with the chosen password. */
  startSession(realm: Realm, user: IssuedUser<Secret>, password: string): Promise<void>;
  /** The temporary password in the latest invitation of the user. */
  invitedPassword(realm: Realm, user: IssuedUser<Secret>): Promise<string>;
  /** Whether a session that `startSession` started still gives new tokens. */
  hasSession(realm: Realm, user: IssuedUser<Secret>): Promise<boolean>;
  close(): Promise<void>;
}

export type IssuedUser<Secret extends object> = User & Pick<IssuedCredentials<Secret>, 'secret'>;

const TENANT = 'aaaaaaaa0000000000000000aa';
const PASSWORD = 'Correct-horse-7';

/** What every adapter of the Credentials port must do. */
export function credentialsContract<Secret extends object, Realm extends RealmSpec>(
  adapter: string,
  open: () => Promise<CredentialsFixture<Secret, Realm>>,
): void {
  describe(`${adapter} as Credentials`, () => {
    let fixture: CredentialsFixture<Secret, Realm>;
    let credentials: Credentials<Secret, Realm>;
    let realm: Realm;
    let created = 0;

    beforeAll(async () => {
      fixture = await open();
      credentials = fixture.credentials;
      realm = await prepare({ id: 'pool', displayName: 'Pool' });
    });
    afterAll(async () => fixture?.close());

    async function prepare(spec: RealmSpec): Promise<Realm> {
      const prepared = await credentials.prepareRealm(spec);
      await fixture.table.transact(prepared.writes);
      return prepared.realm;
    }

    function newUser(): NewUser {
      const userName = `User${++created}@example.test`;
      return { userName, email: userName, role: 'TenantUser', tenantId: TENANT };
    }

    /** Issues credentials as the store does: with the writes committed. */
    async function issue(
      user: NewUser,
      chosen?: Parameters<typeof credentials.issue>[2],
      into = realm,
    ): Promise<IssuedUser<Secret>> {
      const { subject, secret, writes, committed } = await credentials.issue(into, user, chosen);
      await fixture.table.transact(writes);
      committed?.();
      const status = chosen ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD';
      const now = new Date(0).toISOString();
      return { ...user, ...{ subject, enabled: true, status, created: now, modified: now }, ...(secret && { secret }) };
    }

    async function withdraw(user: User, realmFollows = false): Promise<void> {
      await fixture.table.transact(await credentials.withdraw(realm, user, { realmFollows }));
    }

    test('keep the configuration of a realm that is prepared again', async () => {
      const again = await credentials.prepareRealm({ id: 'pool', displayName: 'Pool' });
      expect(credentials.configOf(again.realm)).toEqual(credentials.configOf(realm));
      expect(again.realm).toMatchObject({ id: 'pool', displayName: 'Pool' });
    });

    test('ID-1: accept a chosen password, and no other', async () => {
      const user = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      expect(user.subject).not.toBe('');
      expect(await fixture.accepts(realm, user, PASSWORD)).toBe(true);
      expect(await fixture.accepts(realm, user, `${PASSWORD}x`)).toBe(false);
      expect(await credentials.statusOf(realm, user)).toBe('CONFIRMED');
    });

    test('ON-2: protect a password so that it cannot be read, and accept it once it is issued', async () => {
      const secret = await credentials.protect(TENANT, PASSWORD);
      expect(JSON.stringify(secret)).not.toContain(PASSWORD);
      expect(JSON.parse(JSON.stringify(secret))).toEqual(secret);
      const user = await issue(newUser(), { kind: 'protected', secret, tenantId: TENANT });
      expect(await fixture.accepts(realm, user, PASSWORD)).toBe(true);
    });

    test('ID-1: require an invited user to replace the temporary password', async () => {
      const user = await issue(newUser());
      expect(await credentials.statusOf(realm, user)).toBe('FORCE_CHANGE_PASSWORD');
      expect(await fixture.accepts(realm, user, PASSWORD)).toBe(false);
    });

    /** Adopts what a change of the password returned, as the store does. */
    async function adopt(
      user: IssuedUser<Secret>,
      issued: Promise<IssuedPassword<Secret>>,
    ): Promise<IssuedUser<Secret>> {
      const { secret, writes, committed } = await issued;
      await fixture.table.transact(writes);
      committed?.();
      return { ...user, ...(secret && { secret }) };
    }

    test('ID-1: invite again with a new temporary password, also when it is repeated; the one before is void', async () => {
      let user = await issue(newUser());
      const first = await fixture.invitedPassword(realm, user);
      expect(await fixture.accepts(realm, user, first)).toBe(true);
      user = await adopt(user, credentials.invite(realm, user));
      user = await adopt(user, credentials.invite(realm, user, { tenantName: 'Acme Inc.', slug: 'acme-inc' }));
      const latest = await fixture.invitedPassword(realm, user);
      expect(latest).not.toBe(first);
      expect(await fixture.accepts(realm, user, latest)).toBe(true);
      expect(await fixture.accepts(realm, user, first)).toBe(false);
      expect(await credentials.statusOf(realm, user)).toBe('FORCE_CHANGE_PASSWORD');
    });

    test('ID-1: take a chosen password in place of a temporary or an earlier one', async () => {
      const invited = await issue(newUser());
      const temporary = await fixture.invitedPassword(realm, invited);
      const first = await adopt(invited, credentials.setPassword(realm, invited, PASSWORD));
      expect(await fixture.accepts(realm, first, PASSWORD)).toBe(true);
      expect(await fixture.accepts(realm, first, temporary)).toBe(false);
      const second = await adopt(first, credentials.setPassword(realm, first, 'Battery-staple-8'));
      expect(await fixture.accepts(realm, second, 'Battery-staple-8')).toBe(true);
      expect(await fixture.accepts(realm, second, PASSWORD)).toBe(false);
    });

    test('ID-1: replace a known password; a service refuses if it is not the present one, and keeps that one', async () => {
      const user = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      await fixture.startSession(realm, user, PASSWORD);
      if (credentials.keptIn === 'service') {
        const late = credentials.setPassword(realm, user, 'Attackers-horse-9', 'Earlier-horse-6');
        await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
        expect(await fixture.accepts(realm, user, PASSWORD)).toBe(true);
      }
      const changed = await adopt(user, credentials.setPassword(realm, user, 'Battery-staple-8', PASSWORD));
      expect(await fixture.accepts(realm, changed, 'Battery-staple-8')).toBe(true);
      expect(await fixture.accepts(realm, changed, PASSWORD)).toBe(false);
    });

    test('ID-6: end the sessions of one user, who can sign in again, also when it is repeated', async () => {
      const user = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      const other = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      await fixture.startSession(realm, user, PASSWORD);
      await fixture.startSession(realm, other, PASSWORD);
      await credentials.endSessions(realm, user);
      await credentials.endSessions(realm, user);
      expect(await fixture.hasSession(realm, user)).toBe(false);
      expect(await fixture.hasSession(realm, other)).toBe(true);
      await fixture.startSession(realm, user, PASSWORD);
      expect(await fixture.hasSession(realm, user)).toBe(true);
    });

    test('give each user a subject, and a user who is created again a new subject and the new password', async () => {
      const spec = newUser();
      const first = await issue(spec, { kind: 'clear', password: PASSWORD });
      const second = await issue(spec, { kind: 'clear', password: 'Battery-staple-8' });
      expect(second.subject).not.toBe(first.subject);
      expect(await fixture.accepts(realm, second, 'Battery-staple-8')).toBe(true);
      expect(await fixture.accepts(realm, second, PASSWORD)).toBe(false);
    });

    test('ID-6: end the sessions of a user who is disabled, also when it is repeated', async () => {
      const user = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      await fixture.startSession(realm, user, PASSWORD);
      expect(await fixture.hasSession(realm, user)).toBe(true);
      await credentials.enabledChanged(realm, { ...user, enabled: false });
      await credentials.enabledChanged(realm, { ...user, enabled: false });
      expect(await fixture.hasSession(realm, user)).toBe(false);
      await credentials.enabledChanged(realm, user);
      await credentials.emailChanged(realm, { ...user, email: 'moved@example.test' });
      expect(await fixture.accepts(realm, user, PASSWORD)).toBe(true);
    });

    test('ON-6: end the sessions of withdrawn credentials only, also when it is repeated', async () => {
      const user = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      const other = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      await fixture.startSession(realm, user, PASSWORD);
      await fixture.startSession(realm, other, PASSWORD);
      await withdraw(user);
      await withdraw(user);
      expect(await fixture.hasSession(realm, user)).toBe(false);
      expect(await fixture.hasSession(realm, other)).toBe(true);
    });

    test('ON-6: end the sessions of a deleted realm, and of no other realm, also when it is repeated', async () => {
      const own = await prepare({ id: `tenant-${TENANT}`, displayName: 'Own', tenantId: TENANT });
      const user = await issue(newUser(), { kind: 'clear', password: PASSWORD }, own);
      const other = await issue(newUser(), { kind: 'clear', password: PASSWORD });
      await fixture.startSession(own, user, PASSWORD);
      await fixture.startSession(realm, other, PASSWORD);
      await fixture.table.transact(await credentials.withdraw(own, user, { realmFollows: true }));
      await fixture.table.transact(await credentials.deleteRealm(own));
      await fixture.table.transact(await credentials.deleteRealm(own));
      expect(await fixture.hasSession(own, user)).toBe(false);
      expect(await fixture.hasSession(realm, other)).toBe(true);
    });
  });
}
