import { beforeAll, expect, jest, test } from '@jest/globals';
import { requestPublic } from '../../rehearsal/public-address.ts';
import { Stacks } from '../../rehearsal/stacks.ts';
import { buildImage } from '../../rehearsal/task/images.ts';
import { buildBundles } from '../../rehearsal/task/scene.ts';
import { A, newUser } from '../adapters/contract/new-user.ts';
import { functionArn } from '../app-plane/lambda/deploy-function.ts';
import { openUsersWorld, USERS, type UsersWorld } from '../app-plane/lambda/users-world.ts';
import { describeWithContainers } from './account.ts';
import { serviceTemplate } from './task/template.ts';

jest.setTimeout(120_000);
const PASSWORD = 'Correct-horse-7';
const IMAGE = 'tierplane/users:1';

describeWithContainers('the container of the users service', (account, engine) => {
  let world: UsersWorld;
  let dnsName: string;

  beforeAll(async () => {
    await buildBundles();
    buildImage(engine(), 'users', IMAGE);
    world = await openUsersWorld(account());
    const { issuer, clientId } = await world.identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
    const template = serviceTemplate('users', {
      image: IMAGE,
      environment: {
        ...{ TIERPLANE_SERVICE: 'users', TIERPLANE_TENANT: A, TIERPLANE_USERS_FUNCTION: functionArn(USERS) },
        TIERPLANE_ISSUERS: JSON.stringify([{ issuer, realm: 'pool', clientIds: [clientId] }]),
      },
      statements: [{ Effect: 'Allow', Action: ['lambda:InvokeFunction'], Resource: [functionArn(USERS)] }],
    });
    const created = await new Stacks(account()).create('users', template);
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', failures: [] });
    dnsName = created.outputs.DnsName ?? '';
  }, 240_000);

  /** Sends a request as a new user of tenant A, with headers of a client that claims to be an administrator. */
  async function requestAs(role: 'TenantAdmin' | 'TenantUser', method: 'GET' | 'POST', path: string, body?: object) {
    const { email } = newUser(`${role}-${method}`.toLowerCase());
    await world.identity.createUser('pool', { userName: email, email, role, tenantId: A, password: PASSWORD });
    const { accessToken } = await world.signIn(email, PASSWORD);
    return requestPublic(account(), `http://${dnsName}${path}`, {
      method,
      headers: {
        ...{ authorization: `Bearer ${accessToken}`, 'x-tierplane-role': 'TenantAdmin' },
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  test("lists the tenant's users by the function that TIERPLANE_USERS_FUNCTION names, as the task's role", async () => {
    const { status, text } = await requestAs('TenantAdmin', 'GET', '/users');
    expect([status, text]).toEqual([200, expect.stringContaining('tenantadmin-get@example.test')]);
    expect(account().log()).toMatch(/assumed-role\/users-TaskRole\S* called lambda:InvokeFunction on \S*tenant-users/);
  });

  test('ID-4: asks the function for the role, whatever a header says', async () => {
    const invited = { userName: 'new@example.test', email: 'new@example.test', userRole: 'TenantUser' };
    const { status } = await requestAs('TenantUser', 'POST', '/users', invited);
    expect(status).toBe(403);
    expect(await world.identity.user('pool', 'new@example.test')).toBeUndefined();
  });
});
