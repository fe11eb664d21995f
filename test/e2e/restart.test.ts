import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, type Reply, request, type TenantRef, TestPlatform } from './harness.ts';

const FAST = { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 1_000_000 } };
const platform = new TestPlatform({ config: { tiers: { basic: FAST, advanced: FAST, premium: FAST } } });
const TIERS = { Pooled: 'basic', Leaving: 'basic', Second: 'advanced', Third: 'advanced', Fourth: 'premium' } as const;
type Name = keyof typeof TIERS;
const NAMES = Object.keys(TIERS) as Name[];
const PRODUCT = { name: 'Beans', sku: 'B-1', category: 'coffee', price: { amount: 1200, currency: 'EUR' } };

const tenants = new Map<Name, TenantRef>();
const tokens = new Map<Name, string>();

beforeAll(async () => {
  await platform.start();
  for (const name of NAMES) {
    const tenant = await platform.onboard(name, TIERS[name]);
    tenants.set(name, tenant);
    tokens.set(name, await platform.tenantToken(name, tenant.email));
    await platform.api('POST', '/products', tokens.get(name) ?? '', PRODUCT);
  }
}, 90_000);
afterAll(() => platform.dispose(), 60_000);

const get = (name: Name, path: string): Promise<Reply> => platform.api('GET', path, tokens.get(name) ?? '');
const idOf = (name: Name): string => tenants.get(name)?.tenantId ?? '';
const readiness = () => request<{ failed?: string[] }>('GET', `${platform.urls.publicUrl}/readyz`);

interface Status {
  readonly notes: string[];
}

describe('after a restart', () => {
  test('OB-5: ready means served: no active tenant gets a 503 once the platform or the gateway reports ready', async () => {
    await platform.stop();
    let isUp = false;
    const started = platform.start().then(() => {
      isUp = true;
    });
    // The gateway reports ready no earlier than the line on stdout.
    await eventually('ready', async () => isUp || (await readiness().catch(() => undefined))?.status === 200, 60_000);
    const first = await Promise.all(NAMES.flatMap((name) => [get(name, '/products'), get(name, '/orders')]));
    expect(first.map(({ status }) => status)).toEqual(first.map(() => 200));
    await started;
    expect((await readiness()).status).toBe(200);
  }, 90_000);
});

/** What may happen to a store, and what the operator then finds. */
const DAMAGE: readonly (readonly [string, (file: string) => void])[] = [
  ['garbage', (file) => writeFileSync(file, 'this is not a database'.repeat(1_000))],
  ['cut off', (file) => truncateSync(file, 9_000)],
  [
    'a directory',
    (file) => {
      rmSync(file);
      mkdirSync(file);
    },
  ],
  ['a file without rights', (file) => chmodSync(file, 0)],
];

describe('a damaged store', () => {
  const damagedFiles: string[] = [];
  const damage = (file: string, how: (file: string) => void): void => {
    cpSync(file, `${file}.backup`);
    for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    how(file);
    damagedFiles.push(file);
  };
  const restore = (): void => {
    for (const file of damagedFiles.splice(0)) {
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { recursive: true, force: true });
      if (!existsSync(`${file}.backup`)) continue;
      renameSync(`${file}.backup`, file);
      chmodSync(file, 0o600);
    }
  };
  afterEach(restore);
  const storeOf = (owner: string, service: string) => join(platform.dataDir, 'tenants', owner, `${service}.db`);

  test.each(DAMAGE)(
    'OB-5: of a pooled service takes only this service away, and serves again when it is restored: %s',
    async (_what, how) => {
      await platform.stop();
      const file = storeOf('pool', 'products');
      damage(file, how);
      await platform.start();

      const refused = await get('Pooled', '/products');
      expect(refused.status).toBe(503);
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
      expect(refused.body).toMatchObject({ detail: expect.stringContaining("data of the service 'products'") });
      expect((await get('Pooled', '/orders')).status).toBe(200);
      for (const name of ['Second', 'Third', 'Fourth'] as const)
        expect((await get(name, '/products')).status).toBe(200);
      expect(await readiness()).toMatchObject({ status: 200, body: { failed: ['products'] } });
      const { notes } = await platform.cliJson<Status>('status');
      expect(notes).toEqual([expect.stringContaining(file)]);
      expect((await platform.cli('doctor')).stdout).toContain(file);
      expect(platform.logs()).toContain(file);

      restore();
      await eventually('served again', async () => (await get('Pooled', '/products')).status === 200, 30_000);
      expect((await readiness()).body.failed).toEqual([]);
      expect((await platform.cliJson<Status>('status')).notes).toEqual([]);
    },
    90_000,
  );

  test('OB-5: of one silo tenant keeps the platform from ready no longer than the first attempt', async () => {
    await platform.stop();
    damage(storeOf(idOf('Fourth'), 'orders'), (file) => writeFileSync(file, 'broken'.repeat(1_000)));
    await platform.start();
    expect((await get('Fourth', '/orders')).status).toBe(503);
    for (const name of ['Second', 'Third', 'Pooled'] as const) expect((await get(name, '/orders')).status).toBe(200);
    expect((await get('Fourth', '/products')).status).toBe(200);
    expect((await platform.cliJson<Status>('status')).notes).toEqual([expect.stringContaining('orders.db')]);
    restore();
    await eventually('served again', async () => (await get('Fourth', '/orders')).status === 200, 40_000);
  }, 90_000);

  test('OB-5: of a pooled service delays no offboarding, and the data follow once the store is restored', async () => {
    await platform.stop();
    const file = storeOf('pool', 'products');
    damage(file, (path) => writeFileSync(path, 'broken'.repeat(1_000)));
    await platform.start();
    const id = idOf('Leaving');
    await platform.cliJson('tenants', 'delete', id, '--yes', '--wait');
    expect((await platform.tenant(id)).state).toBe('deleted');
    restore();
    await eventually('served again', async () => (await get('Pooled', '/products')).status === 200, 30_000);
    const store = new DatabaseSync(file, { readOnly: true });
    const left = store.prepare('SELECT count(*) AS n FROM items WHERE pk >= ? AND pk < ?');
    await eventually('the data are gone', () => left.get(id, `${id}~`)?.n === 0);
    expect(left.get(idOf('Pooled'), `${idOf('Pooled')}~`)?.n).toBeGreaterThan(0);
    store.close();
  }, 90_000);
});
