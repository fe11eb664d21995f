import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { Email } from '../../../../core/fields/email.ts';
import { UserName } from '../../../../core/fields/user-name.ts';
import { checkPassword } from '../../../../core/identity/password-policy.ts';
import { signIn } from '../../../support/sign-in-by-page.ts';
import { ODD_USERS } from '../../contract/odd-users.ts';
import { ACME, type RealmServer, startRealmServer } from './realm-server.ts';

/** Whatever a user is accepted with, the user can sign in with, and the users API can address. */
const PASSWORD = 'Correct-horse-7';
let server: RealmServer;
let admin: string;
beforeAll(async () => {
  server = await startRealmServer();
  const email = 'admin@acme.example';
  const user = { userName: email, email, role: 'TenantAdmin', tenantId: ACME, password: PASSWORD };
  await server.identity.createUser('pool', user);
  admin = (await enter(email)).accessToken;
});
afterAll(async () => server?.close());

function enter(userName: string, password = PASSWORD) {
  return signIn({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', userName, password });
}

function usersApi(path: string, method = 'GET', body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' };
  return fetch(`${server.issuer('pool')}/users${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
}

describe('ON-2: a user whose name and email are accepted', () => {
  test.each([...ODD_USERS, ...ODD_USERS.map(([, email]) => [email.replace('@', '.own@').slice(-128), ''] as const)])(
    'signs in with either, is addressed by the users API, and is deleted: %j',
    async (userName, given) => {
      const email = given || userName;
      expect([UserName.parse(userName), Email.parse(email)]).toEqual([userName, email]);
      const user = { userName, email, role: 'TenantUser', tenantId: ACME, password: PASSWORD };
      await server.identity.createUser('pool', user);
      expect(decodeJwt((await enter(userName)).accessToken).username).toBe(userName);
      expect(decodeJwt((await enter(email.toUpperCase())).accessToken).username).toBe(userName);
      const path = `/${encodeURIComponent(userName)}`;
      expect(await (await usersApi(path)).json()).toMatchObject({ userName, email });
      expect((await usersApi(path, 'PATCH', { enabled: false })).status).toBe(200);
      expect((await usersApi(path, 'DELETE')).status).toBe(204);
      expect((await usersApi(path)).status).toBe(404);
    },
  );

  test('is paged past, also with the longest names', async () => {
    const names = ['x', 'İ', '東', '😀'].map((letter) => letter.repeat(letter === '😀' || letter === 'İ' ? 64 : 128));
    for (const [i, userName] of names.entries()) {
      const user = { userName, email: `long${i}@odd.test`, role: 'TenantUser', tenantId: ACME, password: PASSWORD };
      await server.identity.createUser('pool', user);
    }
    const seen: string[] = [];
    for (let token = ''; ; ) {
      const response = await usersApi(`?limit=1&next_token=${encodeURIComponent(token)}`);
      expect(response.status).toBe(200);
      const page = (await response.json()) as { data: { userName: string }[]; next_token: string };
      seen.push(...page.data.map(({ userName }) => userName));
      token = page.next_token;
      if (token === '') break;
    }
    expect(seen).toEqual(expect.arrayContaining(names));
  });

  test.each(['CORP\\jdoe', '../x', '/', 'who?', 'a b', 'eve@elsewhere.test', 'a\u200bb', ''])(
    'is not called %j',
    async (userName) => {
      const response = await usersApi('', 'POST', { email: 'new@odd.test', userName });
      expect([response.status, await response.json()]).toMatchObject([
        422,
        { issues: [{ loc: ['body', 'userName'] }] },
      ]);
      await expect(server.identity.emailTaken('pool', 'new@odd.test')).resolves.toBe(false);
    },
  );
});

describe('ID-1: a password that the policy accepts', () => {
  test.each([
    `Aa1-${'x'.repeat(252)}`,
    `Aa1-${'😀'.repeat(252)}`,
    'Aa1-Cafe\u0301',
    'Aa1 with spaces!',
    'Пароль-Aa1',
    '`~\\"\'Aa1',
  ])('signs the user in: %j', async (password) => {
    expect(checkPassword(password, 8)).toEqual([]);
    const email = `p${Buffer.from(password).toString('hex').slice(-16)}@odd.test`;
    const user = { userName: email, email, role: 'TenantUser', tenantId: ACME, password };
    await server.identity.createUser('pool', user);
    expect((await enter(email, password)).accessToken).not.toBe('');
  });
});

describe('RT-4: a path of a realm with a slash at its end', () => {
  test.each(['/users', '/users/admin%40acme.example'])('%s is the same resource', async (path) => {
    const [plain, slash] = [
      await usersApi(path.slice('/users'.length)),
      await usersApi(`${path.slice('/users'.length)}/`),
    ];
    expect([slash.status, await slash.text()]).toEqual([plain.status, await plain.text()]);
  });
});
