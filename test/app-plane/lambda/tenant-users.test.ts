import { CognitoIdentityProviderClient, ListUserPoolsCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createCallerLookup } from '../../../adapters/aws/identity/caller-lookup.ts';
import { passwordResetKey } from '../../../adapters/shared/identity/password-reset-record.ts';
import { put } from '../../../core/ports/table.ts';
import { mailsTo } from '../../../rehearsal/invited-password.ts';
import type { Caller } from '../../../services/users/tenant-users.ts';
import { createTenantUsersClient } from '../../../services/users/tenant-users-client.ts';
import { accountPagesContract, type PageOptions } from '../../adapters/contract/account-pages.suite.ts';
import { A } from '../../adapters/contract/new-user.ts';
import { ownAccountContract, type SignedIn } from '../../adapters/contract/own-account.suite.ts';
import { NAME_OF_A, tenantUsersContract } from '../../adapters/contract/tenant-users.suite.ts';
import { httpEvent } from '../../control-plane/lambda/http-events.ts';
import { clientConfig, describeInAccount } from '../../rehearsal/account.ts';
import { ACCOUNTS_URL, openUsersWorld, type UsersWorld } from './users-world.ts';

jest.setTimeout(60_000);

describeInAccount('the function tenant-users in an emulated account', (account) => {
  let world: UsersWorld;
  beforeAll(async () => {
    world = await openUsersWorld(account());
  }, 120_000);

  tenantUsersContract('the function tenant-users', async () => ({
    users: createTenantUsersClient(world.transport),
    identity: world.identity,
    setActive: world.setActive,
    async callerOf(userName, password): Promise<Caller> {
      const { accessToken } = await world.signIn(userName, password);
      return { realm: 'pool', authorization: `Bearer ${accessToken}`, requestId: 'request-1' };
    },
    lastSubject: async (email) => (await mailsTo(account(), email)).at(-1)?.subject ?? '',
    close: async () => {},
  }));

  ownAccountContract('the function tenant-users', async () => ({
    ...world,
    async request(method, path, accessToken, body) {
      const event = { realm: 'pool', method, path, requestId: 'r', authorization: `Bearer ${accessToken}` } as const;
      const sent = await world.invoke({ ...event, ...(body !== undefined && { body }) });
      return { status: sent.status, text: sent.body === undefined ? '' : JSON.stringify(sent.body) };
    },
    close: async () => {},
  }));

  /** Sends a request for a page as API Gateway passes it on. Limits count each address. */
  async function sendPage(
    path: string,
    { form, api, query = '', headers = {} }: PageOptions = {},
    client = '198.51.100.7',
  ) {
    const method = api?.method ?? (form ? 'POST' : 'GET');
    const result = await world.page(
      httpEvent(`${method} /realms/{realm}${path}`, `/realms/pool${path}`, {
        ...{ query, sourceIp: client, base64: form !== undefined },
        headers: {
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(api && { authorization: `Bearer ${api.token}` }),
          ...headers,
        },
        ...(form && { body: `${new URLSearchParams(form)}` }),
        ...(api?.body && { body: api.body }),
      }),
    );
    return { status: result.statusCode ?? 0, text: result.body ?? '', headers: result.headers ?? {} };
  }

  ownAccountContract("the API of tenants' own accounts on AWS", async () => ({
    ...world,
    async request(method, path, accessToken, body) {
      const result = await world.page(
        httpEvent(`${method} /realms/{realm}${path}`, `/realms/pool${path}`, {
          headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body }),
        }),
      );
      return { status: result.statusCode ?? 0, text: result.body ?? '' };
    },
    close: async () => {},
  }));

  let made = 0;
  async function newUser(password: string, tenantId = A): Promise<string> {
    const email = `forgetful${++made}@a.example`;
    await world.identity.createUser('pool', { userName: email, email, role: 'TenantUser', tenantId, password });
    return email;
  }

  async function isOpen(session: SignedIn): Promise<boolean> {
    const authorization = `Bearer ${session.accessToken}`;
    const { status } = await world.invoke({ realm: 'pool', method: 'GET', path: '/me', authorization });
    const renews = await world.renews(session);
    expect([status, renews]).toEqual(status === 200 ? [200, true] : [401, false]);
    return renews;
  }

  const linksTo = async (email: string) =>
    (await mailsTo(account(), email)).filter(({ text }) => text.includes('/reset-password?token='));

  accountPagesContract('tenants on AWS', async () => {
    let client = 0;
    return {
      base: `${ACCOUNTS_URL}/realms/pool`,
      send: (path, options) => sendPage(path, options, `198.51.100.${++client % 250}`),
      newUser: (password) => newUser(password),
      ...{ signIn: world.signIn, isOpen },
      mailsTo: (email) => mailsTo(account(), email),
    };
  });

  test('ID-1: the mail with the link names the tenant; a user who is disabled or whose tenant is suspended gets none', async () => {
    const [email, disabled] = [await newUser('Correct-horse-7'), await newUser('Correct-horse-7')];
    await world.identity.setUserEnabled('pool', disabled, false);
    for (const userName of [email, disabled]) await sendPage('/forgot-password', { form: { userName } });
    expect((await linksTo(email)).map(({ subject }) => subject)).toEqual([`Choose a new password for ${NAME_OF_A}`]);
    expect(await linksTo(disabled)).toEqual([]);
    await world.setActive(A, false);
    await sendPage('/forgot-password', { form: { userName: email } });
    const form = { userName: email, password: 'Correct-horse-7', newPassword: 'Battery-8-x', repeated: 'Battery-8-x' };
    const refused = await sendPage('/account/password', { form });
    await world.setActive(A, true);
    expect(refused.status).toBe(401);
    expect(await linksTo(email)).toHaveLength(1);
  });

  test('SE-1: a link is void after 30 minutes, and below another realm', async () => {
    const email = await newUser('Correct-horse-7');
    await sendPage('/forgot-password', { form: { userName: email } });
    const [mail] = await linksTo(email);
    const token = /token=(\S+)/.exec(mail?.text ?? '')?.[1] ?? '';
    const subject = (await world.identity.user('pool', email))?.subject ?? '';
    const stored = await world.table.get(passwordResetKey('pool', subject));
    if (!stored) throw new Error('the link is not stored');
    expect(Math.abs((stored.expiresAt ?? 0) - Date.now() / 1_000 - 30 * 60)).toBeLessThan(60);
    expect(JSON.stringify(stored)).not.toContain(token.split('.')[1]);
    const elsewhere = httpEvent('GET /realms/{realm}/reset-password', '/realms/admin/reset-password', {
      query: `token=${token}`,
    });
    expect((await world.page(elsewhere)).statusCode).toBe(404);
    await world.table.transact([
      put({ ...stored, version: stored.version + 1, expiresAt: Math.floor(Date.now() / 1_000) }),
    ]);
    expect((await sendPage('/reset-password', { query: `token=${token}` })).status).toBe(404);
  });

  test('SE-1: a client may send 30 forms within a quarter of an hour', async () => {
    const form = { userName: 'x', password: 'x', newPassword: 'x', repeated: 'y' };
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++) statuses.push((await sendPage('/account/password', { form }, '203.0.113.9')).status);
    expect(statuses).toEqual([...Array(30).fill(422), 429]);
    expect((await sendPage('/account/password', { form }, '203.0.113.10')).status).toBe(422);
  });

  test('ID-4: tells a service the role that its caller has now, whatever the token says, and nothing about others', async () => {
    const email = 'caller@a.example';
    const password = 'Correct-horse-7';
    const user = { userName: email, email, role: 'TenantUser', tenantId: A, password };
    await world.identity.createUser('pool', user);
    const { accessToken } = await world.signIn(email, password);
    const lookup = createCallerLookup(world.transport);
    const caller = { realm: 'pool', authorization: `Bearer ${accessToken}`, requestId: 'request-1' } as const;
    const refused = { code: 'UNAUTHENTICATED' };
    await expect(lookup(caller)).resolves.toEqual({ role: 'TenantUser', tenantId: A });
    await world.identity.updateUser('pool', email, { role: 'TenantAdmin' });
    await expect(lookup(caller)).resolves.toEqual({ role: 'TenantAdmin', tenantId: A });
    await expect(lookup({ ...caller, realm: 'admin' })).rejects.toMatchObject(refused);
    await expect(lookup({ ...caller, authorization: `${caller.authorization}x` })).rejects.toMatchObject(refused);
    await world.setActive(A, false);
    await expect(lookup(caller)).rejects.toMatchObject(refused);
    await world.setActive(A, true);
    await expect(lookup(caller)).resolves.toMatchObject({ role: 'TenantAdmin' });
    await world.identity.setUserEnabled('pool', email, false);
    await expect(lookup(caller)).rejects.toMatchObject(refused);
    await world.identity.deleteUser('pool', email);
    await expect(lookup(caller)).rejects.toMatchObject(refused);
  });

  describe('takes', () => {
    test.each<[string, unknown, number]>([
      ['nothing', null, 400],
      ['a list', [], 400],
      ['no path', { realm: 'pool', method: 'GET' }, 400],
      ['a path without a slash', { realm: 'pool', method: 'GET', path: 'users' }, 400],
      ['an unknown realm', { realm: 'tenant-nobody00', method: 'GET', path: '/users' }, 404],
      ['the realm of another partition', { realm: 'pool#x', method: 'GET', path: '/users' }, 404],
      ['an unknown path', { realm: 'pool', method: 'GET', path: '/account' }, 404],
      ['no token', { realm: 'pool', method: 'GET', path: '/users' }, 401],
      ['a change of a caller', { realm: 'pool', method: 'PUT', path: '/me' }, 405],
      ['a method that the path does not have', { realm: 'pool', method: 'PUT', path: '/me/sessions' }, 405],
    ])('SE-6: %s with a refusal, and changes nothing', async (_which, event, status) => {
      expect((await world.invoke(event)).status).toBe(status);
    });

    test('SE-6: no body of more than 16 KB', async () => {
      const { accessToken } = await world.signIn('admin@a.example', 'Correct-horse-7');
      const event = { realm: 'pool', path: '/users', authorization: `Bearer ${accessToken}` };
      const long = JSON.stringify({ email: `${'a'.repeat(17_000)}@a.example` });
      expect((await world.invoke({ ...event, method: 'POST', body: long })).status).toBe(413);
    });
  });

  test('SE-2: a service reaches users only through the function: its own role may call neither Cognito nor the table', async () => {
    const config = clientConfig(account(), world.service);
    const refused = { name: expect.stringMatching(/^AccessDenied/) };
    const cognito = new CognitoIdentityProviderClient(config);
    await expect(cognito.send(new ListUserPoolsCommand({ MaxResults: 1 }))).rejects.toMatchObject(refused);
    await expect(new DynamoDBClient(config).send(new ScanCommand({ TableName: 'users' }))).rejects.toMatchObject(
      refused,
    );
  });

  test('SE-1.10: the function logs no token, no email and no password', async () => {
    const log = account().log();
    expect(log).toContain('"msg":"request"');
    for (const secret of ['Bearer ey', 'Correct-horse', '@a.example"']) {
      const lines = log.split('\n').filter((line) => line.includes('"msg":') && line.includes(secret));
      expect(lines).toEqual([]);
    }
  });
});
