import { CognitoIdentityProviderClient, ListUserPoolsCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createCallerLookup } from '../../../adapters/aws/identity/caller-lookup.ts';
import { mailsTo } from '../../../rehearsal/invited-password.ts';
import type { Caller } from '../../../services/users/tenant-users.ts';
import { createTenantUsersClient } from '../../../services/users/tenant-users-client.ts';
import { A } from '../../adapters/contract/new-user.ts';
import { ownAccountContract } from '../../adapters/contract/own-account.suite.ts';
import { tenantUsersContract } from '../../adapters/contract/tenant-users.suite.ts';
import { clientConfig, describeInAccount } from '../../rehearsal/account.ts';
import { openUsersWorld, type UsersWorld } from './users-world.ts';

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
