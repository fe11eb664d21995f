import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Caller, TenantUsers } from '../../../services/users/tenant-users.ts';
import { A, B } from './new-user.ts';

/** Tenants A and B in the realm `pool`, both active and with users of `seedTenants`. */
export interface TenantUsersFixture {
  /** As the users service uses it. */
  readonly users: TenantUsers;
  readonly identity: Identity;
  /** Signs the user in. */
  callerOf(userName: string, password: string): Promise<Caller>;
  /** The subject of the latest mail to this address; '' if there is none. */
  lastSubject(email: string): Promise<string>;
  setActive(tenantId: string, active: boolean): Promise<void>;
  close(): Promise<void>;
}

/** The name of tenant A. */
export const NAME_OF_A = "L'Oréal & Sons";
export const PASSWORD = 'Correct-horse-7';

/** What every way of the users service to the users API must do. */
export function tenantUsersContract(home: string, open: () => Promise<TenantUsersFixture>): void {
  describe(`${home} as TenantUsers`, () => {
    let fixture: TenantUsersFixture;
    let users: TenantUsers;
    let admin: Caller;
    let member: Caller;
    let stranger: Caller;

    async function enroll(email: string, role: string, tenantId: string): Promise<Caller> {
      await fixture.identity.createUser('pool', { userName: email, email, role, tenantId, password: PASSWORD });
      return fixture.callerOf(email, PASSWORD);
    }

    beforeAll(async () => {
      fixture = await open();
      users = fixture.users;
      admin = await enroll('admin@a.example', 'TenantAdmin', A);
      member = await enroll('member@a.example', 'TenantUser', A);
      stranger = await enroll('admin@b.example', 'TenantAdmin', B);
    }, 120_000);
    afterAll(async () => fixture?.close());

    const invitee = (email: string, more: object = {}) => ({ email, role: 'TenantUser' as const, ...more });

    test("RT-6: list the tenant's users, and no others, page by page", async () => {
      const first = await users.list(admin, { limit: 1, after: undefined });
      expect(first.users.map(({ userName }) => userName)).toEqual(['admin@a.example']);
      const rest = await users.list(admin, { limit: 100, after: first.next });
      expect(rest.users.map(({ userName }) => userName)).toEqual(['member@a.example']);
      expect(rest.next).toBeUndefined();
      const others = await users.list(stranger, { limit: 100, after: undefined });
      expect(others.users.map(({ userName }) => userName)).toEqual(['admin@b.example']);
      await expect(users.list(admin, { limit: 1, after: 'made-up' })).rejects.toMatchObject({ code: 'INVALID' });
    });

    test('ID-1: invite a user by mail, in the name of the tenant, change, invite again and delete', async () => {
      const made = await users.create(admin, invitee('new@a.example'));
      expect(made).toMatchObject({ userName: 'new@a.example', enabled: true, status: 'FORCE_CHANGE_PASSWORD' });
      expect(await fixture.lastSubject('new@a.example')).toBe(`Your invitation to ${NAME_OF_A}`);
      expect(await users.get(admin, 'new@a.example')).toEqual(made);
      expect(await users.invite(admin, 'new@a.example')).toMatchObject({ userName: 'new@a.example' });
      expect(await users.update(admin, 'new@a.example', { role: 'TenantAdmin', enabled: false })).toMatchObject({
        ...{ role: 'TenantAdmin', enabled: false },
      });
      await users.delete(admin, 'new@a.example');
      await expect(users.get(admin, 'new@a.example')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test.each(["o'brien+a&b@a.example", 'zoë', '100%', 'a#b', 'semi;colon', '名前'])(
      'RT-6: find the user %s by name',
      async (userName) => {
        const email = userName.includes('@') ? userName : `${Buffer.from(userName).toString('hex')}@a.example`;
        await users.create(admin, invitee(email, { userName }));
        expect(await users.get(admin, userName)).toMatchObject({ userName, email });
        await users.delete(admin, userName);
        await expect(users.get(admin, userName)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      },
    );

    test('ID-2: refuse what breaks a rule, with the path of the field, and change nothing', async () => {
      const bad = invitee('nobody', { userName: 'nobody' });
      await expect(users.create(admin, bad)).rejects.toMatchObject({
        ...{ code: 'INVALID', issues: [expect.objectContaining({ loc: ['body', 'email'] })] },
      });
      const role = { role: 'SystemAdmin' } as never;
      await expect(users.update(admin, 'member@a.example', role)).rejects.toMatchObject({ code: 'INVALID' });
      for (const [email, userName] of [
        ['admin@b.example', 'admin@b.example'],
        ['fresh@a.example', 'member@a.example'],
      ] as const) {
        const taken = users.create(admin, invitee(email, { userName }));
        await expect(taken).rejects.toMatchObject({ code: expect.stringMatching(/^(CONFLICT|INVALID)$/) });
      }
      const last = users.update(admin, 'admin@a.example', { role: 'TenantUser' });
      await expect(last).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('last enabled') });
      await expect(users.delete(admin, 'admin@a.example')).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(users.invite(admin, 'member@a.example')).rejects.toMatchObject({ code: 'CONFLICT' });
      const { users: all } = await users.list(admin, { limit: 100, after: undefined });
      expect(all.map(({ userName, role }) => `${userName} ${role}`)).toEqual([
        'admin@a.example TenantAdmin',
        'member@a.example TenantUser',
      ]);
    });

    const operations = (caller: Caller, userName: string): [string, () => Promise<unknown>][] => [
      ['list', () => users.list(caller, { limit: 10, after: undefined })],
      ['get', () => users.get(caller, userName)],
      ['create', () => users.create(caller, invitee('intruder@a.example'))],
      ['update', () => users.update(caller, userName, { enabled: false })],
      ['invite', () => users.invite(caller, userName)],
      ['delete', () => users.delete(caller, userName)],
    ];

    async function codesOf(caller: Caller, userName: string): Promise<Record<string, string>> {
      const codes: Record<string, string> = {};
      for (const [name, run] of operations(caller, userName)) {
        codes[name] = await run().then(
          () => 'done',
          (error: { code?: string }) => error.code ?? String(error),
        );
      }
      return codes;
    }

    const all = (code: string) => ({ list: code, get: code, create: code, update: code, invite: code, delete: code });

    test('ID-2: refuse a TenantUser everything', async () => {
      expect(await codesOf(member, 'admin@a.example')).toEqual(all('FORBIDDEN'));
    });

    test('SE-1.13: refuse callers without a token of the realm', async () => {
      const token = admin.authorization;
      for (const authorization of ['', 'Bearer x', `${token.slice(0, -8)}aaaaaaaa`, token.replace('Bearer', 'Basic')]) {
        expect(await codesOf({ ...admin, authorization }, 'member@a.example')).toEqual(all('UNAUTHENTICATED'));
      }
      const elsewhere = { ...admin, realm: `tenant-${A}` } as const;
      expect(await codesOf(elsewhere, 'member@a.example')).toEqual(all('NOT_FOUND'));
    });

    test('SE-1.13: users of other tenants are unknown users, and are not changed', async () => {
      const { create: _, list: __, ...others } = Object.fromEntries(operations(stranger, 'member@a.example'));
      for (const run of Object.values(others)) await expect(run()).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await users.get(admin, 'member@a.example')).toMatchObject({ enabled: true });
    });

    test('ID-4: refuse an administrator who is demoted or disabled at once, whatever the token says', async () => {
      const second = await enroll('second@a.example', 'TenantAdmin', A);
      expect(await users.get(second, 'member@a.example')).toMatchObject({ enabled: true });
      await users.update(admin, 'second@a.example', { role: 'TenantUser' });
      expect(await codesOf(second, 'member@a.example')).toEqual(all('FORBIDDEN'));
      await users.update(admin, 'second@a.example', { role: 'TenantAdmin', enabled: false });
      expect(await codesOf(second, 'member@a.example')).toEqual(all('UNAUTHENTICATED'));
      await users.delete(admin, 'second@a.example');
    });

    test('ON-7: refuse everything while the tenant is not active', async () => {
      await fixture.setActive(A, false);
      const codes = await codesOf(admin, 'member@a.example').finally(() => fixture.setActive(A, true));
      expect(codes).toEqual(all('FORBIDDEN'));
      expect(await users.get(admin, 'member@a.example')).toMatchObject({ enabled: true });
    });

    test('RT-9: refuse the eleventh mail to one address within an hour, and say when to try again', async () => {
      await users.create(admin, invitee('often@a.example'));
      for (let sent = 1; sent < 10; sent++) await users.invite(admin, 'often@a.example');
      const eleventh = users.invite(admin, 'often@a.example');
      await expect(eleventh).rejects.toMatchObject({ code: 'TOO_MANY', retryAfter: expect.any(Number) });
      await users.delete(admin, 'often@a.example');
    });
  });
}
