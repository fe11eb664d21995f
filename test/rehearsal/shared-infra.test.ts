import { APIGatewayClient, GetUsagePlansCommand } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { openIdentity } from '../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../adapters/aws/identity/user-pool.ts';
import { openKeyCheck } from '../../adapters/aws/metering/key-check.ts';
import { openMeteringKeys } from '../../adapters/aws/metering/metering-keys.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import { put, type Table } from '../../core/ports/table.ts';
import { type Route, routeKey } from '../../core/routing/registry.ts';
import type { TierName } from '../../core/tier/tiers.ts';
import { REGION } from '../../rehearsal/emulated-account.ts';
import { signIn } from '../../rehearsal/managed-login.ts';
import { type PublicResponse, requestPublic } from '../../rehearsal/public-address.ts';
import { Stacks } from '../../rehearsal/stacks.ts';
import { TIER_NAMES, TIERS } from '../../tenant-templates/tiers.ts';
import { placedTenant } from '../app-plane/lambda/placed-tenant.ts';
import { clientConfig, describeInAccount } from './account.ts';
import { deployApp } from './cdk.ts';
import { echoTemplate } from './task/echo-template.ts';

const STACK = 'shared-infra-stack';
const PREFIX = 'tierplane-main';
const PASSWORD = 'Correct-horse-1';
type Tenant = Pick<Route, 'tenantId' | 'slug' | 'tier'> & Partial<Route> & { readonly name: string };
const BASIC: Tenant = { tenantId: 'basic0000001', name: 'Basic', slug: 'basic', tier: 'basic' };
const BUSY: Tenant = { ...BASIC, tenantId: 'basic0000002', name: 'Busy', slug: 'busy' };
const SUSPENDED: Tenant = { ...BASIC, tenantId: 'basic0000003', name: 'Late', slug: 'late' };
const OWN_SERVICES = { tier: 'advanced', cluster: 'shared', silo: true } as const;
const SILO: Tenant = { tenantId: 'silo00000001', name: 'Silo', slug: 'silo', ...OWN_SERVICES };
/** Its services are in another shard, or not there yet. */
const UNSERVED: Tenant = { tenantId: 'silo00000002', name: 'Unserved', slug: 'unserved', ...OWN_SERVICES };
const TENANTS = [BASIC, BUSY, SUSPENDED, SILO, UNSERVED];
jest.setTimeout(240_000);

/** What the load balancer passed on to a service, which returns it. */
interface Echo {
  readonly tenantPath: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

describeInAccount('shared-infra, deployed by the CDK', (account) => {
  let outputs: Record<'restApi' | 'appSite', string>;
  let ids: ReadonlyMap<string, string>;
  let table: Table;
  /** Access tokens, by tenant. */
  const tokens = new Map<string, string>();

  /** The physical id of a resource. @param start how its logical id begins */
  function idOf(start: string): string {
    const [, id] = [...ids].find(([logical]) => logical.startsWith(start)) ?? [];
    if (id === undefined) throw new Error(`no resource ${start}`);
    return id;
  }

  /** Stands in for the ingress tasks of these deployments. */
  async function serve(tenantPaths: readonly string[]): Promise<void> {
    const parameters = { ListenerArn: idOf('Shard1LoadBalancerListener') };
    const echo = await new Stacks(account()).create('echo', echoTemplate(tenantPaths), parameters);
    expect(echo).toMatchObject({ status: 'CREATE_COMPLETE', failures: [] });
  }

  /** Each tenant has a route, a user with a token, and an API key in the plan of its tier. */
  async function addTenants(): Promise<void> {
    const config = clientConfig(account());
    const tableName = idOf('Table');
    const client = new DynamoDBClient(config);
    table = openTable({ client, tableName, clock: systemClock, random: systemRandom });
    const identity = openIdentity({
      ...{ table, clock: systemClock, region: REGION },
      pools: openUserPools(new CognitoIdentityProviderClient(config), { prefix: PREFIX, random: systemRandom }),
      vault: openPasswordVault(new KMSClient(config), idOf('PasswordKey')),
    });
    const apiGateway = new APIGatewayClient(config);
    const { items = [] } = await apiGateway.send(new GetUsagePlansCommand());
    const planOf = (tier: string) => items.find(({ name }) => name === `${PREFIX}-${tier}`)?.id ?? '';
    const usagePlanIds = Object.fromEntries(TIER_NAMES.map((tier) => [tier, planOf(tier)])) as Record<TierName, string>;
    const keys = openMeteringKeys({ apiGateway, prefix: PREFIX, usagePlanIds, works: keyCheck() });
    const { clientId } = await identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
    for (const { tenantId, name, slug, ...change } of TENANTS) {
      const apiKey = `key-of-${tenantId}-0123456789abcdef`;
      await table.transact(placedTenant({ tenantId, name, slug }, { ...change, apiKey }));
      await keys.ensure({ tenantId, tier: change.tier, value: apiKey });
      const email = `admin@${slug}.example`;
      const user = { userName: email, email, role: 'TenantAdmin', tenantId, password: PASSWORD } as const;
      await identity.createUser('pool', user);
      const { accessToken } = await signIn(account(), {
        ...{
          domain: `https://${idOf('PoolUserPoolDomain')}.auth.${REGION}.amazoncognito.com`,
          clientId,
          callbackUrl: outputs.appSite,
        },
        ...{ scope: 'openid email', userName: email, password: PASSWORD },
      });
      tokens.set(tenantId, accessToken);
    }
  }

  /** The check of API keys as the provisioner makes it. */
  function keyCheck() {
    return openKeyCheck({
      ...{ apiUrl: outputs.restApi, table, clock: systemClock, random: systemRandom },
      endpointUrl: account().endpoint,
    });
  }

  async function suspend({ tenantId }: Tenant): Promise<void> {
    const item = await table.get(routeKey(tenantId));
    if (!item) throw new Error(`no route of ${tenantId}`);
    await table.transact([put({ ...item, version: item.version + 1, data: { ...item.data, state: 'suspended' } })]);
  }

  /** Sends a request with the token of a tenant's user. */
  function as(
    { tenantId }: Pick<Route, 'tenantId'>,
    path: string,
    options: Parameters<typeof requestPublic>[2] = {},
  ): Promise<PublicResponse> {
    const headers = { authorization: `Bearer ${tokens.get(tenantId)}`, ...options.headers };
    return requestPublic(account(), `${outputs.restApi}${path}`, { ...options, headers });
  }

  const corsOf = ({ headers }: PublicResponse) => headers['access-control-allow-origin'];

  beforeAll(async () => {
    outputs = (await deployApp(account(), { stacks: [STACK] }))[STACK] as typeof outputs;
    const config = clientConfig(account());
    const found = await new CloudFormationClient(config).send(new DescribeStackResourcesCommand({ StackName: STACK }));
    ids = new Map(
      found.StackResources?.map((one) => [one.LogicalResourceId ?? '', one.PhysicalResourceId ?? '']) ?? [],
    );
    await serve(['pool', SILO.tenantId]);
    await addTenants();
    await suspend(SUSPENDED);
  }, 240_000);

  test('RT-1: a request of a pooled tenant reaches the pool, of a silo tenant its own services, with path and query', async () => {
    const basic = await as(BASIC, '/s1/products/a%20b?q=1');
    expect(basic.status).toBe(200);
    const { tenantPath, path, query } = JSON.parse(basic.text) as Echo;
    expect([tenantPath, decodeURIComponent(path), query]).toEqual(['pool', '/products/a b', { q: '1' }]);
    const silo = await as(SILO, '/s1/orders');
    expect([silo.status, JSON.parse(silo.text)]).toMatchObject([200, { tenantPath: SILO.tenantId, path: '/orders' }]);
    const versioned = await as(SILO, '/s1/v1/orders/1');
    expect(JSON.parse(versioned.text)).toMatchObject({ path: '/v1/orders/1' });
  });

  test('SE-1.5: headers of the client that services trust are replaced, in any case of letters', async () => {
    const spoofed = { tenantpath: SILO.tenantId, TENANTPATH: SILO.tenantId, 'X-Tierplane-Tenant': SILO.tenantId };
    const others = { 'x-tierplane-tier': 'premium', 'x-tierplane-Role': 'TenantAdmin', 'x-api-key': 'key' };
    const response = await as(BASIC, '/s1/products', { headers: { ...spoofed, ...others } });
    const { tenantPath, headers } = JSON.parse(response.text) as Echo;
    expect(tenantPath).toBe('pool');
    expect(headers).toMatchObject({
      ...{ tenantpath: 'pool', 'x-tierplane-tenant': BASIC.tenantId, 'x-tierplane-tier': 'basic' },
      'x-tierplane-role': 'none',
    });
    expect(headers['x-api-key']).toBeUndefined();
  });

  test('SE-1.7: a tenant without services in the shard gets 404, and so does a path that no service has', async () => {
    const unserved = await as(UNSERVED, '/s1/products');
    expect([unserved.status, unserved.text]).toEqual([404, '{"message":"Not Found"}']);
    for (const path of ['/s2/products', '/s1/nothing', '/products']) {
      const unknown = await as(BASIC, path);
      expect([path, unknown.status, unknown.text]).toEqual([path, 404, '{"message":"Not Found"}']);
    }
  });

  test.each([
    ['no token', {}],
    ['no bearer token', { authorization: 'Basic YTpi' }],
    ['an invalid token', { authorization: 'Bearer a.b.c' }],
    ['an API key alone', { 'x-api-key': `key-of-${BASIC.tenantId}-0123456789abcdef` }],
  ])('SE-1.16: a request with %s gets 401', async (_, headers) => {
    const response = await requestPublic(account(), `${outputs.restApi}/s1/products`, { headers });
    expect([response.status, response.text]).toEqual([401, '{"message":"Unauthorized"}']);
    expect([response.headers['www-authenticate'], corsOf(response)]).toEqual(['Bearer', outputs.appSite]);
  });

  test('ON-7: a suspended tenant gets a clear 403, also while the decision is cached', async () => {
    for (let i = 0; i < 2; i++) {
      const response = await as(SUSPENDED, '/s1/products');
      expect([response.status, response.text]).toEqual([403, '{"message":"The tenant is suspended"}']);
      expect(corsOf(response)).toBe(outputs.appSite);
    }
  });

  test("RT-2: a tenant that exceeds its tier's plan gets 429 with Retry-After, and no other tenant does", async () => {
    const { burst } = TIERS.basic.usagePlan;
    // Later requests find the authorizer's decision in the cache.
    await as(BUSY, '/s1/products');
    const all = await Promise.all(Array.from({ length: 3 * burst }, () => as(BUSY, '/s1/products')));
    const refused = all.filter(({ status }) => status === 429);
    expect(all.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(burst);
    expect(refused.length).toBeGreaterThan(0);
    for (const response of refused) {
      expect(response.text).toBe('{"message":"Too Many Requests"}');
      expect([response.headers['retry-after'], corsOf(response)]).toEqual(['1', outputs.appSite]);
    }
    expect((await as(SILO, '/s1/orders')).status).toBe(200);
  });

  test('pages of the app site may call the API and read every response', async () => {
    const headers = { origin: outputs.appSite, 'access-control-request-method': 'PATCH' };
    const preflight = await requestPublic(account(), `${outputs.restApi}/s1/products/1`, {
      method: 'OPTIONS',
      headers,
    });
    expect([preflight.status, corsOf(preflight)]).toEqual([204, outputs.appSite]);
    expect(preflight.headers['access-control-allow-methods']).toContain('PATCH');
    expect(preflight.headers['access-control-allow-headers']).toContain('authorization');
    const response = await as(BASIC, '/s1/products');
    expect([response.status, corsOf(response)]).toEqual([200, outputs.appSite]);
    expect(response.headers['access-control-expose-headers']).toContain('etag');
  });

  test('RT-2: a key works once it is in a usage plan, and the path of the check is closed to everybody else', async () => {
    const { tenantId, tier } = BASIC;
    const key = { tenantId, tier, value: `key-of-${tenantId}-0123456789abcdef` };
    const works = keyCheck();
    expect(await works(key)).toBe(true);
    expect(await works({ ...key, value: 'key-that-api-gateway-does-not-know' })).toBe(false);
    const path = `${outputs.restApi}/key-check`;
    const authorization = `KeyCheck ${'A'.repeat(43)}`;
    for (const headers of [{}, { 'x-api-key': key.value }, { authorization }]) {
      expect((await requestPublic(account(), path, { headers })).status).toBe(401);
    }
  });
});
