import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Identity, NewUser, RealmId } from '../../../core/ports/identity.ts';

/** What every adapter of the Identity port must do; each brings an empty one. */
export interface IdentityFixture {
  readonly identity: Identity;
  close(): Promise<void>;
}

const A = 'aaaaaaaa0000000000000000aa';
const B = 'bbbbbbbb0000000000000000bb';
const P = 'pppppppp0000000000000000pp';
const OWN: RealmId = `tenant-${P}`;

function user(name: string, more: Partial<NewUser> = {}): NewUser {
  const email = `${name}@example.test`;
  return { userName: email, email, role: 'TenantUser', tenantId: A, ...more };
}

export function identityContract(adapter: string, open: () => Promise<IdentityFixture>): void {
  describe(`Identity port: ${adapter}`, () => {
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

    test('a realm is made once, and its configuration is always the same', async () => {
      const again = await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
      const known = await identity.realm('pool');
      expect(known).toMatchObject({ id: 'pool', displayName: 'Pool', ...again });
      expect(again.clientId).toMatch(/^[\w-]+$/);
      expect(again.issuer).toMatch(/^https?:\/\//);
      await expect(identity.realm('tenant-nobody0000000000000000000x')).resolves.toBeUndefined();
      await identity.ensureRealm({ id: 'pool', displayName: 'The pool' });
      await expect(identity.realm('pool')).resolves.toMatchObject({ displayName: 'The pool' });
    });

    test('a new user is invited, or confirmed where the password was chosen', async () => {
      const invited = await identity.createUser('pool', user('invited'));
      expect(invited).toMatchObject({ status: 'FORCE_CHANGE_PASSWORD', enabled: true, tenantId: A });
      expect(new Date(invited.created).toISOString()).toBe(invited.created);
      const chosen = await identity.createUser('pool', user('chosen', { password: 'Correct-horse-7' }));
      expect(chosen.status).toBe('CONFIRMED');
      expect(chosen.subject).not.toBe(invited.subject);
      await expect(identity.user('pool', 'CHOSEN@example.test')).resolves.toEqual(chosen);
      await expect(identity.user('pool', 'nobody@example.test')).resolves.toBeUndefined();
    });

    test('names and emails are unique in a realm, in any case of letters, and free in another', async () => {
      await identity.createUser('pool', user('unique'));
      await expect(identity.createUser('pool', user('UNIQUE'))).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(identity.createUser('pool', user('other', { email: 'Unique@Example.test' }))).rejects.toMatchObject({
        code: 'CONFLICT',
      });
      await expect(identity.user('pool', 'other@example.test')).resolves.toBeUndefined();
      await identity.createUser(OWN, user('unique', { tenantId: P }));
      await expect(identity.emailTaken('pool', 'UNIQUE@example.test')).resolves.toBe(true);
      await expect(identity.emailTaken('admin', 'unique@example.test')).resolves.toBe(false);
    });

    test('nobody`s user name is another one`s email, as one signs in by either', async () => {
      await identity.createUser('pool', user('login', { userName: 'login' }));
      await expect(
        identity.createUser('pool', user('thief', { userName: 'Login@example.test' })),
      ).rejects.toMatchObject({ code: 'CONFLICT', issues: [{ loc: ['body', 'userName'] }] });
      await identity.createUser('pool', user('named', { email: 'elsewhere@example.test' }));
      await expect(identity.createUser('pool', user('named', { userName: 'thief' }))).rejects.toMatchObject({
        code: 'CONFLICT',
        issues: [{ loc: ['body', 'email'] }],
      });
      await identity.createUser('pool', user('thief', { userName: 'thief' }));
      await expect(identity.updateUser('pool', 'thief', { email: 'named@example.test' })).rejects.toMatchObject({
        code: 'CONFLICT',
      });
    });

    test('of many who want one email at once, one gets it', async () => {
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          identity.createUser('pool', user(`racer${i}`, { email: 'race@example.test' })),
        ),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('refuses a weak password, bad fields, an unknown realm and a tenant that is not the realm`s', async () => {
      const cases: [RealmId, NewUser, string][] = [
        ['pool', user('weak', { password: 'password' }), 'INVALID'],
        ['pool', user('weak', { email: 'no-email' }), 'INVALID'],
        ['pool', user('weak', { userName: '' }), 'INVALID'],
        ['pool', user('weak', { userName: 'a b' }), 'INVALID'],
        ['pool', user('weak', { role: '' }), 'INVALID'],
        [OWN, user('weak', { tenantId: A }), 'INVALID'],
        ['admin', user('weak', { tenantId: A }), 'INVALID'],
        ['tenant-nobody0000000000000000000x', user('weak'), 'NOT_FOUND'],
      ];
      for (const [realm, one, code] of cases) {
        await expect(identity.createUser(realm, one)).rejects.toMatchObject({ code });
      }
      const { tenantId: _, ...homeless } = user('weak');
      await expect(identity.createUser('pool', homeless)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(identity.user('pool', 'weak@example.test')).resolves.toBeUndefined();
    });

    test('email and role change, the tenant does not', async () => {
      const before = await identity.createUser('pool', user('mover'));
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
      await expect(identity.emailTaken('pool', 'mover@example.test')).resolves.toBe(false);
      await expect(
        identity.updateUser('pool', 'mover@example.test', { email: 'unique@example.test' }),
      ).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(identity.updateUser('pool', 'nobody@example.test', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('users are disabled and enabled', async () => {
      await identity.createUser('pool', user('switch'));
      await expect(identity.setUserEnabled('pool', 'switch@example.test', false)).resolves.toMatchObject({
        enabled: false,
      });
      await expect(identity.user('pool', 'switch@example.test')).resolves.toMatchObject({ enabled: false });
      await expect(identity.setUserEnabled('pool', 'switch@example.test', true)).resolves.toMatchObject({
        enabled: true,
      });
      await expect(identity.setUserEnabled('pool', 'nobody@example.test', true)).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    test('a deleted user`s name and email are free, the subject is not used again', async () => {
      const first = await identity.createUser('pool', user('phoenix'));
      await identity.deleteUser('pool', 'phoenix@example.test');
      await identity.deleteUser('pool', 'phoenix@example.test');
      const second = await identity.createUser('pool', user('phoenix'));
      expect(second.subject).not.toBe(first.subject);
    });

    test('a staged password is the first user`s with that email, once', async () => {
      await expect(identity.stagePassword(B, 'first@example.test', 'weak')).rejects.toMatchObject({ code: 'INVALID' });
      await identity.stagePassword(B, 'first@example.test', 'Correct-horse-7');
      await identity.stagePassword(B, 'First@example.test', 'Correct-horse-8');
      const other = await identity.createUser('pool', user('somebody', { tenantId: B }));
      expect(other.status).toBe('FORCE_CHANGE_PASSWORD');
      const first = await identity.createUser('pool', user('first', { tenantId: B }));
      expect(first.status).toBe('CONFIRMED');
      await identity.deleteUser('pool', 'first@example.test');
      const again = await identity.createUser('pool', user('first', { tenantId: B }));
      expect(again.status).toBe('FORCE_CHANGE_PASSWORD');
      await identity.deleteTenantUsers('pool', B);
    });

    test('a staged password outlives a realm that is deleted and made anew, as when an onboarding is tried again', async () => {
      const spec = { id: `tenant-${B}`, displayName: 'Anew', tenantId: B } as const;
      await identity.stagePassword(B, 'anew@example.test', 'Correct-horse-7');
      await identity.ensureRealm(spec);
      await identity.deleteRealm(spec.id);
      await identity.ensureRealm(spec);
      const first = await identity.createUser(spec.id, user('anew', { tenantId: B }));
      expect(first.status).toBe('CONFIRMED');
      await identity.deleteRealm(spec.id);
    });

    test('ON-6: a tenant`s users are paged without loss or repeat, and all of them deleted, and no neighbour', async () => {
      const count = 130;
      for (let i = 0; i < count; i += 10) {
        await Promise.all(
          Array.from({ length: 10 }, (_, j) => identity.createUser('pool', user(`crowd${i + j}`, { tenantId: B }))),
        );
      }
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await identity.users('pool', { tenantId: B, limit: 30, ...(after !== undefined && { after }) });
        seen.push(...page.items.map(({ userName }) => userName));
        after = page.next;
      } while (after !== undefined);
      expect(new Set(seen).size).toBe(count);
      expect(seen).toEqual([...seen].sort());

      const neighbours = await identity.users('pool', { tenantId: A, limit: 1_000 });
      await identity.deleteTenantUsers('pool', B);
      await identity.deleteTenantUsers('pool', B);
      await expect(identity.users('pool', { tenantId: B, limit: 10 })).resolves.toEqual({ items: [] });
      await expect(identity.emailTaken('pool', 'crowd129@example.test')).resolves.toBe(false);
      await expect(identity.users('pool', { tenantId: A, limit: 1_000 })).resolves.toEqual(neighbours);
    });

    test('ON-6: a realm goes with all its users, and no other realm', async () => {
      await identity.deleteRealm(OWN);
      await identity.deleteRealm(OWN);
      await expect(identity.realm(OWN)).resolves.toBeUndefined();
      await expect(identity.users(OWN, { limit: 10 })).resolves.toEqual({ items: [] });
      await expect(identity.emailTaken(OWN, 'unique@example.test')).resolves.toBe(false);
      await expect(identity.emailTaken('pool', 'unique@example.test')).resolves.toBe(true);
      await expect(identity.createUser(OWN, user('late', { tenantId: P }))).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });
  });
}
