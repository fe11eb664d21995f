import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually, LAUNCHER, PASSWORD, TestPlatform } from './harness.ts';

const platforms: TestPlatform[] = [];
afterEach(async () => {
  for (const platform of platforms.splice(0)) await platform.dispose();
}, 30_000);

function platformWith(options: ConstructorParameters<typeof TestPlatform>[0]): TestPlatform {
  const platform = new TestPlatform(options);
  platforms.push(platform);
  return platform;
}

async function namesOf(platform: TestPlatform): Promise<string[]> {
  const tenants = await platform.cliJson<{ tenantName: string }[]>('tenants', 'list');
  return tenants.map(({ tenantName }) => tenantName);
}

/** The numbers of products and orders of a tenant. */
async function stockOf(platform: TestPlatform, tenant: string, email: string, password: string): Promise<number[]> {
  const token = await platform.tenantToken(tenant, email, password);
  const lists = ['/products', '/orders'].map((path) => platform.api<{ data: object[] }>('GET', path, token));
  return (await Promise.all(lists)).map(({ body }) => body.data.length);
}

describe('the demo of a first start that was interrupted', () => {
  test('is finished at the next start: with its order, and without the tenant that was deleted in between', async () => {
    const first = platformWith({});
    const { urls } = await first.start();
    const { email } = await first.onboard('acme', 'basic');
    const espresso = { name: 'Espresso beans, 1 kg', sku: 'COF-1000', category: 'coffee' };
    const product = { ...espresso, price: { amount: 1890, currency: 'EUR' } };
    const made = await first.api('POST', '/products', await first.tenantToken('acme', email), product);
    expect(made.status).toBe(201);
    await first.stop();
    writeFileSync(join(first.dataDir, 'demo.json'), JSON.stringify([{ name: 'acme', password: PASSWORD }]));
    writeFileSync(join(first.dataDir, 'demo-pending'), JSON.stringify({ acme: 'stock', globex: 'stock' }));

    const next = platformWith({ dataDir: first.dataDir, args: [] });
    await next.start(new URL(urls.publicUrl).port);
    expect(await stockOf(next, 'acme', email, PASSWORD)).toEqual([3, 1]);
    expect(await namesOf(next)).toEqual(['acme']);
    expect(existsSync(join(first.dataDir, 'demo-pending'))).toBe(false);
  }, 60_000);

  test('does not change a tenant whose password a user has changed', async () => {
    const first = platformWith({});
    const { urls } = await first.start();
    const { email } = await first.onboard('acme', 'basic');
    await first.stop();
    writeFileSync(join(first.dataDir, 'demo-pending'), JSON.stringify({ acme: 'register' }));

    const next = platformWith({ dataDir: first.dataDir, args: [] });
    await next.start(new URL(urls.publicUrl).port);
    expect(await stockOf(next, 'acme', email, PASSWORD)).toEqual([0, 0]);
    expect(existsSync(join(first.dataDir, 'demo-pending'))).toBe(false);
  }, 60_000);

  test('is created by the next start if only the admin existed; a deleted demo tenant comes back only by tierplane demo', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tp-demo-'));
    const child = spawn(LAUNCHER, ['up', '--data-dir', dataDir, '--port', '0'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await eventually('the admin', () => existsSync(join(dataDir, 'admin.json')), 30_000);
    child.kill('SIGKILL');
    await ended;

    const platform = platformWith({ dataDir, args: [] });
    await platform.start();
    expect(await namesOf(platform)).toEqual(['acme', 'globex', 'initech']);
    expect((await platform.cli('tenants', 'delete', 'acme', '--yes', '--wait')).code).toBe(0);
    await platform.stop();
    await platform.start();
    expect(await namesOf(platform)).toEqual(['globex', 'initech']);

    const credentials = await platform.cliJson<{ name: string; email: string; password: string }[]>('demo');
    for (const { name, email, password } of credentials) {
      expect([name, await stockOf(platform, name, email, password)]).toEqual([name, [3, 1]]);
    }
  }, 90_000);
});

test('a demo with a tenant that fails reports it, and the next attempt continues with the rest', async () => {
  const platform = platformWith({});
  await platform.start();
  // A file in place of the folder makes provisioning fail.
  const tenants = join(platform.dataDir, 'tenants');
  renameSync(tenants, `${tenants}.aside`);
  writeFileSync(tenants, '');
  const failed = await platform.cli('demo');
  rmSync(tenants);
  renameSync(`${tenants}.aside`, tenants);
  expect([failed.code, failed.stderr]).toEqual([
    1,
    expect.stringMatching(/demo tenant \w+ is failed: .*\n {2}.* continues/),
  ]);

  const again = await platform.cli('demo');
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('demo tenant globex (advanced) is ready')]);
  expect(existsSync(join(platform.dataDir, 'demo-pending'))).toBe(false);
}, 60_000);
