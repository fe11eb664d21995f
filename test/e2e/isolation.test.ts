import { readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { eventually, PASSWORD, type Reply, request, type TenantRef, TestPlatform } from './harness.ts';

type Tenant = TenantRef & { email: string; token: string };

const platform = new TestPlatform({
  config: { tiers: { premium: { usagePlan: { rate: 2, burst: 2, quotaPerDay: 6 } } } },
});
const tenants: Record<'a' | 'b' | 'silo' | 'premium', Tenant> = {} as never;
const PRODUCT = { name: 'Beans', sku: 'B-1', category: 'coffee', price: { amount: 1200, currency: 'EUR' } };

beforeAll(async () => {
  await platform.start();
  for (const [key, tier] of [
    ['a', 'basic'],
    ['b', 'basic'],
    ['silo', 'advanced'],
    ['premium', 'premium'],
  ] as const) {
    const tenant = await platform.onboard(`Tenant ${key}`, tier);
    tenants[key] = { ...tenant, token: await platform.tenantToken(tenant.tenantName, tenant.email) };
  }
}, 60_000);
afterAll(() => platform.dispose(), 60_000);

async function socketOf(tenantId: string | null, name: string): Promise<string> {
  const all = await platform.cliJson<ServiceStatus[]>('services', 'list');
  const task = all.find((one) => one.tenantId === tenantId && one.service === name)?.tasks[0];
  if (!task) throw new Error(`no task of ${name}`);
  return task.endpoint;
}

/** Bypasses the gateway at a service's socket, as the machine's own root could. */
function straight(
  socketPath: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest({ socketPath, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('data', () => {
  test("TI-2: two pooled tenants share files and never see each other's items", async () => {
    const made = await platform.api<{ productId: string }>('POST', '/products', tenants.a.token, PRODUCT);
    expect(made.status).toBe(201);
    expect((await platform.api<{ data: object[] }>('GET', '/products', tenants.b.token)).body.data).toEqual([]);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const foreign = await platform.api(
        method,
        `/products/${made.body.productId}`,
        tenants.b.token,
        method === 'PUT' ? PRODUCT : undefined,
      );
      expect(foreign.status).toBe(404);
    }
    const order = { name: 'Foreign', lines: [{ productId: made.body.productId, quantity: 1 }] };
    const refused = await platform.api('POST', '/orders', tenants.b.token, order);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(JSON.stringify(refused.body)).toContain('lines.0.productId');
  });

  test("TI-3: a silo tenant's items are in its own files, which no other user can read", async () => {
    expect(
      (await platform.api('POST', '/products', tenants.silo.token, { ...PRODUCT, name: 'Only mine' })).status,
    ).toBe(201);
    const own = join(platform.dataDir, 'tenants', tenants.silo.tenantId);
    expect(statSync(own).mode & 0o077).toBe(0);
    const count = (file: string) => {
      const db = new DatabaseSync(file, { readOnly: true });
      const rows = db.prepare("SELECT count(*) AS n FROM items WHERE data LIKE '%Only mine%'").get() as { n: number };
      db.close();
      return rows.n;
    };
    expect(count(join(own, 'products.db'))).toBe(1);
    expect(count(join(platform.dataDir, 'tenants', 'pool', 'products.db'))).toBe(0);
    if (process.getuid?.() === 0) {
      const services = await platform.cliJson<ServiceStatus[]>('services', 'list', '--tenant', tenants.silo.tenantName);
      expect(statSync(own).uid).toBe(services[0]?.uid);
      expect(statSync(own).uid).not.toBe(0);
    }
  });
});

describe('identity', () => {
  const spellings = [
    'x-tierplane-tenant',
    'X-TIERPLANE-TENANT',
    'x_tierplane_tenant',
    'X-Tierplane_Tenant',
    'x-tenant-id',
    'tenantId',
    'x-amzn-oidc-data',
  ];
  test.each(spellings)('RT-1, SE-1: a %s header from a client changes nothing at the gateway', async (name) => {
    const response = await request<{ data: object[] }>(
      'GET',
      `${platform.urls.api}/products`,
      tenants.b.token,
      undefined,
      { [name]: tenants.a.tenantId },
    );
    expect(response.status).toBe(200);
    expect(response.body.data).toEqual([]);
  });

  test("SE-1: a service refuses a forged tenant header and another tenant's token", async () => {
    const pooled = await socketOf(null, 'products');
    const forged = await straight(pooled, '/products', {
      authorization: `Bearer ${tenants.b.token}`,
      'x-tierplane-tenant': tenants.a.tenantId,
    });
    expect(forged.status).toBe(403);
    expect((await straight(pooled, '/products', { 'x-tierplane-tenant': tenants.a.tenantId })).status).toBe(401);
    const silo = await socketOf(tenants.silo.tenantId, 'products');
    expect((await straight(silo, '/products', { authorization: `Bearer ${tenants.a.token}` })).status).toBe(403);
    expect(
      (await straight(silo, '/products', { authorization: `Bearer ${tenants.premium.token}` })).status,
    ).toBeGreaterThanOrEqual(401);
  });

  test('SE-1: tampered, unsigned and foreign tokens are refused, and an API key identifies no one', async () => {
    const [header = '', payload = '', signature = ''] = tenants.a.token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const forgedPayload = Buffer.from(JSON.stringify({ ...claims, tenantId: tenants.b.tenantId })).toString(
      'base64url',
    );
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    for (const token of [
      `${header}.${forgedPayload}.${signature}`,
      `${none}.${payload}.`,
      `${header}.${payload}.`,
      'abc',
      `${header}.${payload}.${signature.slice(1)}`,
    ]) {
      const response = await platform.api('GET', '/products', token);
      expect([response.status, response.body]).toEqual([401, { message: 'Unauthorized' }]);
    }
    const withKey = await request('GET', `${platform.urls.api}/products`, undefined, undefined, {
      'x-api-key': 'anything',
    });
    expect(withKey.status).toBe(401);
    expect((await platform.api('GET', '/products', await platform.adminUserToken())).status).toBe(403);
    expect((await platform.api('GET', '/products', await platform.adminToken())).status).toBe(401);
    const asAdmin = await request('GET', `${platform.urls.controlPlane}/tenants`, tenants.a.token);
    expect([401, 403]).toContain(asAdmin.status);
  });

  test('ID-2: a TenantUser cannot manage users, and no user can change their own tenant, tier or role', async () => {
    const email = 'worker@tenant-a.example';
    const made = await platform.api('POST', '/users', tenants.a.token, { userName: email, email, role: 'TenantUser' });
    expect(made.status).toBe(201);
    const own = encodeURIComponent(tenants.a.email);
    for (const change of [
      { tenantId: tenants.b.tenantId },
      { tier: 'premium' },
      { role: 'SystemAdmin' },
      { role: 'TenantUser' },
    ]) {
      const response = await platform.api('PUT', `/users/${own}`, tenants.a.token, { enabled: true, ...change });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    }
    const still = await platform.api<{ role: string }>('GET', `/users/${own}`, tenants.a.token);
    expect(still.body.role).toBe('TenantAdmin');
    expect((await platform.api('GET', `/users/${own}`, tenants.b.token)).status).toBe(404);
  });
});

describe('throttling', () => {
  test('RT-2: each tenant gets what its plan admits, within 3 %, and does not affect other tenants', async () => {
    // A tenant of its own: nothing else has taken tokens from its bucket.
    await platform.onboard('Throttled', 'basic');
    const statusesOfOther: number[] = [];
    let running = true;
    const calm = (async () => {
      while (running) {
        statusesOfOther.push((await platform.api('GET', '/products', tenants.b.token)).status);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    })();
    const report = await platform
      .cliJson<{
        ok: number;
        throttled: number;
        expectedOk: number;
        withinThreePercent: boolean;
        otherStatuses: object;
      }>(...['throttle-test', '--tenant', 'Throttled', '--rate', '60', '--seconds', '5'])
      .finally(() => {
        running = false;
      });
    await calm;
    expect(report).toMatchObject({ expectedOk: 60, withinThreePercent: true, otherStatuses: {} });
    expect(report.throttled).toBe(300 - report.ok);
    expect(new Set(statusesOfOther)).toEqual(new Set([200]));
  }, 30_000);

  test("RT-2: the daily quota survives a restart of the platform, and its message is API Gateway's", async () => {
    const call = () => platform.api('GET', '/products', tenants.premium.token);
    const seen: Reply[] = [];
    await eventually('the quota is used up', async () => {
      seen.push(await call());
      return seen.at(-1)?.body.message === 'Limit Exceeded';
    });
    expect(seen.filter(({ status }) => status === 200)).toHaveLength(6);
    const refusals = new Set(seen.filter(({ status }) => status === 429).map(({ body }) => body.message));
    expect([...refusals].sort()).toEqual(['Limit Exceeded', 'Too Many Requests']);
    await platform.stop();
    await platform.start();
    const after = await call();
    expect([after.status, after.body]).toEqual([429, { message: 'Limit Exceeded' }]);
    tenants.b.token = await platform.tenantToken(tenants.b.tenantName, tenants.b.email);
    expect((await platform.api('GET', '/products', tenants.b.token)).status).toBe(200);
  }, 60_000);
});

describe('logs', () => {
  test('OB-1: name tenant and request, and contain no token, password or key', async () => {
    await platform.cli('token', '--tenant', 'Tenant a', '--user', tenants.a.email, '--password', 'Wrong-password-1');
    const response = await platform.api('GET', '/products', tenants.a.token);
    const requestId = response.headers.get('x-request-id');
    const line = await eventually('the line of this request', () =>
      platform
        .logs()
        .split('\n')
        .find((text) => text.includes(`"${requestId}"`) && text.includes('"tier"')),
    );
    const logs = platform.logs();
    expect(JSON.parse(line)).toMatchObject({ tenantId: tenants.a.tenantId, status: 200 });
    const adminFile = JSON.parse(readFileSync(join(platform.dataDir, 'admin.json'), 'utf8')) as { password: string };
    const db = new DatabaseSync(join(platform.dataDir, 'platform.db'), { readOnly: true });
    const routes = db.prepare("SELECT data FROM items WHERE pk LIKE 'route#%'").all() as { data: string }[];
    db.close();
    const keys = routes.map(({ data }) => (JSON.parse(data) as { apiKey: string }).apiKey);
    expect(keys.length).toBeGreaterThanOrEqual(4);
    const secrets = [
      PASSWORD,
      'Wrong-password-1',
      adminFile.password,
      ...keys,
      ...Object.values(tenants).map(({ token }) => token.split('.')[2] ?? '?'),
    ];
    for (const secret of secrets) expect(logs).not.toContain(secret);
    expect(logs).not.toMatch(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}/);
  });
});
