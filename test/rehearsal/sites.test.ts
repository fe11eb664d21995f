import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeRepositoriesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { openIdentity } from '../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../adapters/aws/identity/user-pool.ts';
import { openUsersInvocation } from '../../adapters/aws/identity/users-invocation.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import type { Identity } from '../../core/ports/identity.ts';
import { REGION } from '../../rehearsal/emulated-account.ts';
import { signIn } from '../../rehearsal/managed-login.ts';
import { requestPublic } from '../../rehearsal/public-address.ts';
import { assumeNewRole } from '../adapters/aws/store/roles.ts';
import { placedTenant } from '../app-plane/lambda/placed-tenant.ts';
import { clientConfig, describeInAccount } from './account.ts';
import { deployApp } from './cdk.ts';

const APP = 'node test/app-plane/infra/sites-app.ts';
const TENANT = { tenantId: 'acme00000001', name: 'Acme', slug: 'acme' };
const PASSWORD = 'Correct-horse-1';
jest.setTimeout(180_000);

describeInAccount('sites and users, deployed by the CDK', (account) => {
  let outputs: Record<'adminSite' | 'appSite' | 'clientId' | 'issuer' | 'signInUrl' | 'tableName', string>;
  let ids: ReadonlyMap<string, string>;
  let identity: Identity;

  beforeAll(async () => {
    const { parts } = await deployApp(account(), { app: APP, stacks: ['registry-stack', 'parts'] });
    outputs = parts as typeof outputs;
    const config = clientConfig(account());
    const cloudFormation = new CloudFormationClient(config);
    const { StackResources = [] } = await cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName: 'parts' }),
    );
    ids = new Map(StackResources.map((one) => [one.LogicalResourceId ?? '', one.PhysicalResourceId ?? '']));
    const client = new DynamoDBClient(config);
    const table = openTable({ client, tableName: outputs.tableName, clock: systemClock, random: systemRandom });
    identity = openIdentity({
      ...{ table, clock: systemClock, region: REGION },
      pools: openUserPools(new CognitoIdentityProviderClient(config), {
        prefix: 'tierplane-main',
        random: systemRandom,
      }),
      vault: openPasswordVault(new KMSClient(config), idOf('PasswordKey')),
    });
    await table.transact(placedTenant(TENANT));
  }, 180_000);

  /** The physical id of a resource. @param start how its logical id begins */
  function idOf(start: string): string {
    const [, id] = [...ids].find(([logical]) => logical.startsWith(start)) ?? [];
    if (id === undefined) throw new Error(`no resource ${start}`);
    return id;
  }

  const get = (url: string) => requestPublic(account(), url);

  test.each(['adminSite', 'appSite'] as const)(
    '%s shows a page with the addresses of its config.json',
    async (site) => {
      const page = await get(`${outputs[site]}/`);
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      const config = await get(`${outputs[site]}/config.json`);
      expect([config.status, config.headers['content-type'], config.headers['cache-control']]).toEqual([
        ...[200, 'application/json', 'no-cache'],
      ]);
      const { home, version, apis, signIn: addresses } = JSON.parse(config.text);
      expect([home, version, apis.controlPlane]).toEqual(['aws', '1.2.3', 'https://api.example.com']);
      expect(addresses).toMatchObject({
        clientId: outputs.clientId,
        authorizeUrl: `${outputs.signInUrl}/oauth2/authorize`,
        tokenUrl: `${outputs.signInUrl}/oauth2/token`,
      });
      for (const address of Object.values(apis)) expect(page.text).toContain(address);
      expect(page.text).not.toMatch(/<script|Token\[/);
    },
  );

  test.each(['/tenants/acme', '/deep/link?x=1', '/assets/page-0000000000000000.css'])(
    'a path without a file, %s, shows the first page, which no browser keeps',
    async (path) => {
      const page = await get(`${outputs.adminSite}${path}`);
      expect(page.status).toBe(200);
      expect(page.text).toBe((await get(`${outputs.adminSite}/`)).text);
      expect(page.headers['cache-control']).toBe('no-cache');
    },
  );

  test('SE-2: every response has the security headers; browsers keep files whose name has a hash', async () => {
    const { text } = await get(`${outputs.appSite}/`);
    const style = /href="(\/assets\/[^"]+)"/.exec(text)?.[1] ?? '';
    const file = await get(`${outputs.appSite}${style}`);
    expect([file.status, file.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
    expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    for (const path of ['/', style, '/config.json', '/nowhere']) {
      const { headers } = await get(`${outputs.appSite}${path}`);
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['strict-transport-security']).toContain('max-age=31536000');
    }
  });

  test('a request without TLS is redirected to HTTPS', async () => {
    const { status, headers } = await get(`${outputs.appSite.replace('https:', 'http:')}/a?b=c`);
    // The emulator adds its own port.
    const location = String(headers.location).replace(`:${account().port}`, '');
    expect([status, location]).toEqual([301, `${outputs.appSite}/a?b=c`]);
  });

  test('SE-2: the buckets of the sites respond to CloudFront only', async () => {
    for (const bucket of ['AdminSiteBucket', 'AppSiteBucket', 'AccessLogsBucket']) {
      const response = await fetch(`${account().endpoint}/${idOf(bucket)}/index.html`);
      expect(response.status).toBe(403);
    }
  });

  test("ON-3: the adapter uses the stack's user pool; its users sign in by managed login at the site's address", async () => {
    const realm = await identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
    expect(realm).toMatchObject({ issuer: outputs.issuer, clientId: outputs.clientId });
    const email = 'boss@acme.example';
    const user = {
      userName: email,
      email,
      role: 'TenantAdmin',
      tenantId: TENANT.tenantId,
      password: PASSWORD,
    } as const;
    await identity.createUser('pool', user);
    const tokens = await signIn(account(), {
      ...{ domain: outputs.signInUrl, clientId: outputs.clientId, callbackUrl: outputs.appSite },
      ...{ scope: 'openid email', userName: email, password: PASSWORD },
    });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({
      ...{ tenantId: TENANT.tenantId, tier: 'basic', role: 'TenantAdmin', email, iss: outputs.issuer },
    });
    const transport = openUsersInvocation(idOf('UserstenantusersFunction'), clientConfig(account()));
    const response = await transport.send({
      ...{ realm: 'pool', method: 'GET', path: '/users', requestId: 'r1' },
      authorization: `Bearer ${tokens.accessToken}`,
    });
    expect(response).toMatchObject({ status: 200, body: { data: [{ userName: email }] } });
  });

  test('SE-2: the function tenant-users reaches users only in user pools with the tag of the environment', async () => {
    const iam = new IAMClient(clientConfig(account()));
    const RoleName = idOf('UserstenantusersRole');
    const { PolicyNames: [PolicyName] = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument));
    const sameRights = await assumeNewRole(account(), 'same-rights', Statement);
    const cognito = new CognitoIdentityProviderClient(clientConfig(account(), sameRights));
    const root = new CognitoIdentityProviderClient(clientConfig(account()));
    const poolOf = async (tag: string) => {
      const input = { PoolName: tag, UserPoolTags: { 'tierplane:prefix': tag } };
      return (await root.send(new CreateUserPoolCommand(input))).UserPool?.Id;
    };
    const lookUp = async (tag: string) => {
      const input = { UserPoolId: await poolOf(tag), Username: 'nobody' };
      return cognito.send(new AdminGetUserCommand(input)).catch((error: Error) => error.name);
    };
    expect(await lookUp('tierplane-main')).toBe('UserNotFoundException');
    expect(await lookUp('tierplane-mainly')).toMatch(/AccessDenied/);
    expect(await lookUp('tierplane-blue')).toMatch(/AccessDenied/);
  });

  test('an image repository scans on push and never changes a tag', async () => {
    const ecr = new ECRClient(clientConfig(account()));
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    const ours = repositories.filter(({ repositoryName }) => repositoryName?.startsWith('tierplane-main/'));
    expect(ours).toHaveLength(4);
    for (const { imageTagMutability, imageScanningConfiguration } of ours) {
      expect([imageTagMutability, imageScanningConfiguration?.scanOnPush]).toEqual(['IMMUTABLE', true]);
    }
  });
});
