import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { emailOf, eventually, isAlive, PASSWORD, request, type TenantRef, TestPlatform } from './harness.ts';

/** Plans that throttle nothing: these tests are about onboarding. */
const FAST = { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 1_000_000 } };
const platform = new TestPlatform({
  config: { tiers: { basic: FAST, advanced: FAST, premium: FAST }, signUp: { perMinute: 60, burst: 5 } },
});
beforeAll(() => platform.start(), 60_000);
afterAll(() => platform.dispose(), 60_000);

const PRODUCT = { name: 'Beans', sku: 'B-1', category: 'coffee', price: { amount: 1200, currency: 'EUR' } };

async function services(tenantId: string): Promise<ServiceStatus[]> {
  const all = await platform.cliJson<ServiceStatus[]>('services', 'list');
  return all.filter((one) => one.tenantId === tenantId);
}

/** Creates a product and an order of it, and reads both lists. */
async function expectServed(tenant: TenantRef & { email: string }): Promise<void> {
  const token = await platform.tenantToken(tenant.tenantName, tenant.email);
  const product = await platform.api<{ productId: string }>('POST', '/products', token, PRODUCT);
  expect(product.status).toBe(201);
  const order = await platform.api<{ total: object }>('POST', '/orders', token, {
    name: 'First',
    lines: [{ productId: product.body.productId, quantity: 2 }],
  });
  expect(order.body).toMatchObject({ total: { amount: 2400, currency: 'EUR' } });
  const products = await platform.api<{ data: object[] }>('GET', '/v1/products', token);
  expect(products.body.data).toHaveLength(1);
  const users = await platform.api<{ data: object[] }>('GET', '/users', token);
  expect(users.body.data).toMatchObject([{ email: tenant.email, role: 'TenantAdmin' }]);
}

describe.each([
  ['basic', 0, 'shares the pool`s services'],
  ['advanced', 3, 'gets services of its own in the shared cluster'],
  ['premium', 3, 'gets a cluster of its own'],
])('ON-3: %s', (tier, ownServices, what) => {
  test(`a tenant ${what}, the second and the tenth as well as the first`, async () => {
    const tenants = [];
    for (let n = 1; n <= 10; n++) tenants.push(await platform.onboard(`${tier} ${n}`, tier));
    for (const n of [1, 2, 10]) {
      const tenant = tenants[n - 1] as TenantRef & { email: string };
      expect(tenant.state).toBe('active');
      const own = await services(tenant.tenantId);
      expect(own).toHaveLength(ownServices);
      for (const one of own) expect(one.cluster).toBe(tier === 'premium' ? `tenant-${tenant.tenantId}` : 'shared');
      await expectServed(tenant);
    }
    for (const { tenantName } of tenants.slice(2, 9)) await platform.cli('tenants', 'delete', tenantName, '--yes');
  }, 120_000);
});

describe('offboarding', () => {
  test.each(['basic', 'advanced', 'premium'])(
    'ON-6: a deleted %s tenant leaves no process, file, row, user or key, and another tenant keeps everything',
    async (tier) => {
      const other = await platform.onboard(`Other ${tier}`, tier);
      const leaver = await platform.onboard(`Leaver ${tier}`, tier);
      const otherToken = await platform.tenantToken(other.tenantName, other.email);
      const token = await platform.tenantToken(leaver.tenantName, leaver.email);
      for (let n = 0; n < 250; n += 50) {
        const batch = Array.from({ length: 50 }, (_, i) => ({ ...PRODUCT, sku: `S-${n + i}` }));
        const made = await Promise.all(batch.map((product) => platform.api('POST', '/products', token, product)));
        expect(made.map(({ status }) => status)).toEqual(batch.map(() => 201));
      }
      expect((await platform.api('POST', '/products', otherToken, PRODUCT)).status).toBe(201);
      const pids = (await services(leaver.tenantId)).flatMap((one) => one.tasks.map((task) => task.pid));

      const gone = await platform.cliJson<TenantRef>('tenants', 'delete', leaver.tenantName, '--yes', '--wait');

      expect(gone.state).toBe('deleted');
      expect(pids.filter(isAlive)).toEqual([]);
      expect(await services(leaver.tenantId)).toEqual([]);
      expect(existsSync(join(platform.dataDir, 'tenants', leaver.tenantId))).toBe(false);
      expect(readdirSync(join(platform.dataDir, 'logs')).filter((name) => name.includes(leaver.tenantId))).toEqual([]);
      expect([401, 403]).toContain((await platform.api('GET', '/products', token)).status);
      const signIn = await platform.cli(
        'token',
        '--tenant',
        leaver.tenantName,
        '--user',
        leaver.email,
        '--password',
        PASSWORD,
      );
      expect(signIn.code).not.toBe(0);
      const kept = await platform.api<{ data: object[] }>('GET', '/products', otherToken);
      expect(kept.body.data).toHaveLength(1);
      const listed = await platform.cliJson<TenantRef[]>('tenants', 'list', '--name', 'Leaver');
      expect(listed.filter((one) => one.tier === tier)).toEqual([]);

      const again = await platform.onboard(`Leaver ${tier}`, tier);
      const fresh = await platform.tenantToken(again.tenantName, again.email);
      expect((await platform.api<{ data: object[] }>('GET', '/products', fresh)).body.data).toEqual([]);
    },
    60_000,
  );
});

describe('sign-up', () => {
  const signUp = (body: object) => request('POST', `${platform.urls.controlPlane}/onboarding`, undefined, body);

  test('ON-2: a company signs itself up and its user can sign in at once', async () => {
    const response = await signUp({ tenant_name: 'Self made', email: 'me@self.example', password: PASSWORD });
    expect(response.status).toBe(201);
    expect(response.body.tenant_id).toMatch(/^[a-z0-9]{8,26}$/);
    const token = await platform.tenantToken('Self made', 'me@self.example');
    expect((await platform.api('GET', '/products', token)).status).toBe(200);
    expect((await platform.tenant(String(response.body.tenant_id))).tier).toBe('basic');
  });

  test('ON-2: a weak password, a taken name and a chosen tier are refused', async () => {
    expect((await signUp({ tenant_name: 'Weak', email: 'w@weak.example', password: 'password' })).status).toBe(422);
    expect((await signUp({ tenant_name: 'SELF made', email: 'x@x.example', password: PASSWORD })).status).toBe(409);
    const tier = await signUp({ tenant_name: 'Greedy', email: 'g@g.example', password: PASSWORD, tier: 'premium' });
    expect(tier.status).toBe(422);
    expect(JSON.stringify(tier.body)).toContain('tier');
  });

  test('ON-2: a known email gets the same response and creates nothing; a busy client is limited', async () => {
    const response = await signUp({ tenant_name: 'Curious', email: 'me@self.example', password: PASSWORD });
    expect(response.status).toBe(201);
    expect(Object.keys(response.body)).toEqual(['tenant_id']);
    expect((await platform.admin('GET', `/tenants/${response.body.tenant_id}`)).status).toBe(404);
    const statuses = [];
    const weak = { tenant_name: 'Busy', email: 'b@busy.example', password: 'weak' };
    for (let n = 0; n < 12; n++) statuses.push((await signUp(weak)).status);
    expect(statuses).toContain(429);
  });
});

describe('invitation', () => {
  test('ID-1: without a password the admin is invited by mail and must choose one', async () => {
    const email = emailOf('invited');
    await platform.cliJson('tenants', 'create', '--name', 'Invited', '--email', email, '--tier', 'basic', '--wait');
    const mail = await eventually('the invitation', async () => {
      const mails = await request<{ data: { to: string; text: string }[] }>(
        'GET',
        `${platform.urls.publicUrl}/mailbox.json`,
        await platform.adminToken(),
      );
      return mails.body.data?.find(({ to }) => to === email);
    });
    expect(mail.text).toContain('Invited');
    const early = await platform.cli('token', '--tenant', 'invited', '--user', email, '--password', PASSWORD);
    expect(early.code).toBe(5);
  });
});
