import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Identity, NewUser, RealmId } from '../../../core/ports/identity.ts';
import { administratorContract } from './identity-administrators.suite.ts';
import { type IdentityFixture, passwordContract } from './identity-passwords.suite.ts';
import { A, B, newUser } from './new-user.ts';
import { ODD_USERS } from './odd-users.ts';

const P = 'pppppppp0000000000000000pp';
const OWN: RealmId = `tenant-${P}`;

/** What every adapter of the Identity port must do. */
export function identityContract(adapter: string, open: () => Promise<IdentityFixture>): void {
  describe(`${adapter} as an Identity`, () => {
    let fixture: IdentityFixture;
    let identity: Identity;

    beforeAll(async () => {
      fixture = await open();
      identity = fixture.identity;
      await identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
      await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
      await identity.ensureRealm({ id: OWN, displayName: 'Own', tenantId: P });
    });
    afterAll(async () => fixture?.close());

    /** The names of the users of tenant B, read in pages of `limit`. */
    async function namesInPages(limit: number): Promise<string[]> {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await identity.users('pool', { tenantId: B, limit, ...(after !== undefined && { after }) });
        seen.push(...page.items.map(({ userName }) => userName));
        after = page.next;
      } while (after !== undefined);
      return seen;
    }

    test('a realm is created once and keeps its configuration, also under a new display name', async () => {
      const again = await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
      const known = await identity.realm('pool');
      expect(known).toMatchObject({ id: 'pool', displayName: 'Pool', ...again });
      expect(again.clientId).toMatch(/^[\w-]+$/);
      expect(again.issuer).toMatch(/^https?:\/\//);
      await expect(identity.realm('tenant-nobody0000000000000000000x')).resolves.toBeUndefined();
      await identity.ensureRealm({ id: 'pool', displayName: 'The pool' });
      await expect(identity.realm('pool')).resolves.toMatchObject({ displayName: 'The pool' });
    });

    test('ID-1: a new user is invited, or confirmed if the password is chosen', async () => {
      const invited = await identity.createUser('pool', newUser('invited'));
      expect(invited).toMatchObject({ status: 'FORCE_CHANGE_PASSWORD', enabled: true, tenantId: A });
      expect(new Date(invited.created).toISOString()).toBe(invited.created);
      const chosen = await identity.createUser('pool', newUser('chosen', { password: 'Correct-horse-7' }));
      expect(chosen.status).toBe('CONFIRMED');
      expect(chosen.subject).not.toBe(invited.subject);
      await expect(identity.user('pool', 'CHOSEN@example.test')).resolves.toEqual(chosen);
      await expect(identity.user('pool', 'nobody@example.test')).resolves.toBeUndefined();
    });

    test('user names and emails are unique in a realm regardless of case, and free in other realms', async () => {
      await identity.createUser('pool', newUser('unique'));
      await expect(identity.createUser('pool', newUser('UNIQUE'))).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(
        identity.createUser('pool', newUser('other', { email: 'Unique@Example.test' })),
      ).rejects.toMatchObject({
        code: 'CONFLICT',
      });
      await expect(identity.user('pool', 'other')).resolves.toBeUndefined();
      await identity.createUser(OWN, newUser('unique', { tenantId: P }));
      await expect(identity.emailTaken('pool', 'UNIQUE@example.test')).resolves.toBe(true);
      await expect(identity.emailTaken('admin', 'unique@example.test')).resolves.toBe(false);
    });

    test('a user name is never the email of another user, since users sign in with either', async () => {
      await identity.createUser('pool', newUser('login', { userName: 'login' }));
      for (const userName of ['Login@example.test', 'outsider@example.test']) {
        await expect(identity.createUser('pool', newUser('thief', { userName }))).rejects.toMatchObject({
          code: 'INVALID',
          issues: [{ loc: ['body', 'userName'] }],
        });
      }
      await expect(identity.emailTaken('pool', 'outsider@example.test')).resolves.toBe(false);
      await identity.createUser('pool', newUser('named'));
      await identity.updateUser('pool', 'named@example.test', { email: 'elsewhere@example.test' });
      // The user still signs in as named@example.test.
      await expect(identity.emailTaken('pool', 'Named@example.test')).resolves.toBe(true);
      await expect(identity.createUser('pool', newUser('named', { userName: 'thief' }))).rejects.toMatchObject({
        code: 'CONFLICT',
        issues: [{ loc: ['body', 'email'] }],
      });
      await identity.createUser('pool', newUser('thief', { userName: 'thief' }));
      await expect(identity.updateUser('pool', 'thief', { email: 'named@example.test' })).rejects.toMatchObject({
        code: 'CONFLICT',
      });
    });

    test('SE-6: a user of any accepted name and email is found, listed, changed and deleted', async () => {
      const odd = ODD_USERS.map(([userName, email]) =>
        newUser('odd', { userName, email, tenantId: B, password: 'Correct-horse-7' }),
      );
      for (const one of odd) {
        const made = await identity.createUser('pool', one);
        await expect(identity.user('pool', one.userName)).resolves.toEqual(made);
        await expect(identity.updateUser('pool', one.userName, { role: 'TenantAdmin' })).resolves.toMatchObject({
          userName: one.userName,
        });
        await expect(identity.setUserEnabled('pool', one.userName, true)).resolves.toMatchObject({ enabled: true });
      }
      expect(new Set(await namesInPages(1))).toEqual(new Set(odd.map(({ userName }) => userName)));
      await identity.deleteTenantUsers('pool', B);
      for (const one of odd) await expect(identity.user('pool', one.userName)).resolves.toBeUndefined();
    });

    test('of several concurrent creations with one email, one succeeds', async () => {
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          identity.createUser('pool', newUser(`racer${i}`, { email: 'race@example.test' })),
        ),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('refuses a weak password, fields that break a rule, an unknown realm, and a tenant that the realm does not hold', async () => {
      const cases: [RealmId, NewUser, string][] = [
        ['pool', newUser('weak', { password: 'password' }), 'INVALID'],
        ['pool', newUser('weak', { email: 'no-email' }), 'INVALID'],
        ['pool', newUser('weak', { userName: '' }), 'INVALID'],
        ['pool', newUser('weak', { userName: 'a b' }), 'INVALID'],
        ['pool', newUser('weak', { role: '' }), 'INVALID'],
        [OWN, newUser('weak', { tenantId: A }), 'INVALID'],
        ['admin', newUser('weak', { tenantId: A }), 'INVALID'],
        ['tenant-nobody0000000000000000000x', newUser('weak'), 'NOT_FOUND'],
      ];
      for (const [realm, one, code] of cases) {
        await expect(identity.createUser(realm, one)).rejects.toMatchObject({ code });
      }
      const { tenantId: _, ...homeless } = newUser('weak');
      await expect(identity.createUser('pool', homeless)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(identity.user('pool', 'weak@example.test')).resolves.toBeUndefined();
    });

    test('ID-4: a user is found by the subject, in its own realm only', async () => {
      const user = await identity.createUser('pool', newUser('subject'));
      await expect(identity.userOf('pool', user.subject)).resolves.toEqual(user);
      await expect(identity.userOf(OWN, user.subject)).resolves.toBeUndefined();
      await expect(identity.userOf('pool', 'unknown')).resolves.toBeUndefined();
      await identity.deleteUser('pool', user.userName);
      await expect(identity.userOf('pool', user.subject)).resolves.toBeUndefined();
    });

    test('SE-6: a user name that no user can have is an unknown user', async () => {
      for (const name of ['', '\0', 'line\nbreak', '\ud800', 'x'.repeat(2_000), '\u{1d160}'.repeat(128)]) {
        await expect(identity.user('pool', name)).resolves.toBeUndefined();
        await expect(identity.deleteUser('pool', name)).resolves.toBeUndefined();
        await expect(identity.updateUser('pool', name, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(identity.setUserEnabled('pool', name, false)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      }
    });

    test('SE-6: a user is also found by email, unless the text is the name of a user', async () => {
      const email = 'by-mail@example.test';
      const made = await identity.createUser('pool', newUser('by-name', { email }));
      await expect(identity.user('pool', 'By-Mail@example.test')).resolves.toEqual(made);
      await expect(identity.user(OWN, email)).resolves.toBeUndefined();
      await identity.createUser('pool', newUser('first-name'));
      const moved = await identity.updateUser('pool', 'first-name@example.test', { email: 'moved-on@example.test' });
      await expect(identity.user('pool', 'first-name@example.test')).resolves.toEqual(moved);
      await identity.deleteUser('pool', email);
      await expect(identity.user('pool', 'by-name')).resolves.toBeUndefined();
      await expect(identity.emailTaken('pool', email)).resolves.toBe(false);
    });

    test('refuses to change a user of an unknown realm, or to break a rule', async () => {
      const unknown = 'tenant-nobody0000000000000000000x';
      await expect(identity.updateUser(unknown, 'x', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(identity.setUserEnabled(unknown, 'x', true)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await identity.createUser('pool', newUser('ruled'));
      for (const change of [{ email: 'no-email' }, { role: '' }]) {
        await expect(identity.updateUser('pool', 'ruled@example.test', change)).rejects.toMatchObject({
          code: 'INVALID',
        });
      }
    });

    test('a user whose name is an email holds it with every other email, and frees both when deleted', async () => {
      const [name, other, third] = ['keeper@example.test', 'kept@example.test', 'kept-too@example.test'];
      const taken = () => Promise.all([name, other, third].map((email) => identity.emailTaken('pool', email)));
      await identity.createUser('pool', newUser('keeper'));
      await identity.updateUser('pool', name, { email: other });
      expect(await taken()).toEqual([true, true, false]);
      await identity.updateUser('pool', name, { email: third });
      expect(await taken()).toEqual([true, false, true]);
      await identity.updateUser('pool', name, { email: 'Keeper@example.test' });
      expect(await taken()).toEqual([true, false, false]);
      await identity.updateUser('pool', name, { email: other });
      await identity.deleteUser('pool', name);
      expect(await taken()).toEqual([false, false, false]);
      await identity.createUser('pool', newUser('keeper'));
      await identity.deleteUser('pool', name);
    });

    test('email and role can be changed, the tenant cannot', async () => {
      const before = await identity.createUser('pool', newUser('mover'));
      const after = await identity.updateUser('pool', 'mover@example.test', {
        email: 'moved@example.test',
        role: 'TenantAdmin',
      });
      expect(after).toMatchObject({
        ...before,
        email: 'moved@example.test',
        role: 'TenantAdmin',
        modified: expect.any(String),
      });
      // The user still signs in as mover@example.test.
      await expect(identity.emailTaken('pool', 'mover@example.test')).resolves.toBe(true);
      await expect(identity.emailTaken('pool', 'moved@example.test')).resolves.toBe(true);
      await expect(
        identity.updateUser('pool', 'mover@example.test', { email: 'unique@example.test' }),
      ).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(identity.updateUser('pool', 'nobody@example.test', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('ID-3: users can be disabled and enabled, also twice', async () => {
      await identity.createUser('pool', newUser('switch'));
      await expect(identity.setUserEnabled('pool', 'switch@example.test', false)).resolves.toMatchObject({
        enabled: false,
      });
      await identity.setUserEnabled('pool', 'switch@example.test', false);
      await expect(identity.user('pool', 'switch@example.test')).resolves.toMatchObject({ enabled: false });
      await expect(identity.setUserEnabled('pool', 'switch@example.test', true)).resolves.toMatchObject({
        enabled: true,
      });
      await expect(identity.setUserEnabled('pool', 'nobody@example.test', true)).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    test('ON-6: the name and email of a deleted user are free again, the subject is not reused', async () => {
      const first = await identity.createUser('pool', newUser('phoenix'));
      await identity.deleteUser('pool', 'phoenix@example.test');
      await identity.deleteUser('pool', 'phoenix@example.test');
      const second = await identity.createUser('pool', newUser('phoenix'));
      expect(second.subject).not.toBe(first.subject);
    });

    passwordContract(() => fixture);

    test('ON-6: the users of a tenant are listed in pages without loss or repetition, and deleted without touching other tenants', async () => {
      const count = 90;
      for (let i = 0; i < count; i += 10) {
        await Promise.all(
          Array.from({ length: 10 }, (_, j) => identity.createUser('pool', newUser(`crowd${i + j}`, { tenantId: B }))),
        );
      }
      const seen = await namesInPages(30);
      expect(new Set(seen).size).toBe(count);
      expect(seen).toEqual([...seen].sort());

      const others = await identity.users('pool', { tenantId: A, limit: 1_000 });
      await identity.deleteTenantUsers('pool', B);
      await identity.deleteTenantUsers('pool', B);
      await expect(identity.users('pool', { tenantId: B, limit: 10 })).resolves.toEqual({ items: [] });
      await expect(identity.emailTaken('pool', 'crowd89@example.test')).resolves.toBe(false);
      await expect(identity.users('pool', { tenantId: A, limit: 1_000 })).resolves.toEqual(others);
    });

    administratorContract(() => identity);

    test('ON-6: a realm is deleted with all its users, and other realms are not touched', async () => {
      await identity.deleteRealm(OWN);
      await identity.deleteRealm(OWN);
      await expect(identity.realm(OWN)).resolves.toBeUndefined();
      await expect(identity.users(OWN, { limit: 10 })).resolves.toEqual({ items: [] });
      await expect(identity.emailTaken(OWN, 'unique@example.test')).resolves.toBe(false);
      await expect(identity.emailTaken('pool', 'unique@example.test')).resolves.toBe(true);
      await expect(identity.createUser(OWN, newUser('late', { tenantId: P }))).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });
  });
}
