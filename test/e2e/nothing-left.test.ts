import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, PASSWORD, TestPlatform } from './harness.ts';

/** Every word that a tenant and its users brought in, in a spelling that nothing else on the machine has. */
const WORDS = {
  email: 'quentin.founder',
  domain: 'zanzibar-trading',
  extra: 'registered-under-4711-x',
  colleague: 'wilhelmina.colleague',
  product: 'Kilimanjaro-robusta-beans',
  customer: 'Ottoline-customer',
};

const platform = new TestPlatform();

beforeAll(async () => {
  await platform.start();
}, 60_000);
afterAll(() => platform.dispose(), 60_000);

/** The files of the data directory that hold a word, each with the words, in any case of letters. */
function found(): Record<string, string[]> {
  const holders: Record<string, string[]> = {};
  for (const entry of readdirSync(platform.dataDir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path, 'latin1').toLowerCase();
    const words = Object.entries(WORDS).filter(([, word]) => content.includes(word.toLowerCase()));
    if (words.length > 0) holders[path.slice(platform.dataDir.length + 1)] = words.map(([name]) => name);
  }
  return holders;
}

test.each(['basic', 'advanced', 'premium'])(
  'ON-6: nothing in the data directory holds data of a deleted %s tenant',
  async (tier) => {
    const email = `${WORDS.email}@${WORDS.domain}.example`;
    const tenantName = `Retired ${tier}`;
    const created = await platform.admin('POST', '/tenant-registrations', {
      tenantData: { tenantName, email, tier, note: WORDS.extra },
      tenantRegistrationData: {},
      adminPassword: PASSWORD,
    });
    expect(created.status).toBe(201);
    await platform.cliJson('tenants', 'watch', tenantName);
    const token = await platform.tenantToken(tenantName, email);
    const colleague = `${WORDS.colleague}@${WORDS.domain}.example`;
    expect((await platform.api('POST', '/users', token, { email: colleague, role: 'TenantUser' })).status).toBe(201);
    const product = await platform.api<{ productId: string }>('POST', '/products', token, {
      name: WORDS.product,
      sku: 'K-1',
      category: 'coffee',
      price: { amount: 1, currency: 'EUR' },
    });
    expect(product.status).toBe(201);
    await expect(platform.tenantToken(tenantName, email, 'Wrong-password-1')).rejects.toThrow();
    expect(Object.values(found()).flat()).toEqual(expect.arrayContaining(['email', 'colleague', 'product', 'extra']));

    await platform.cliJson('tenants', 'delete', tenantName, '--yes', '--wait');
    await eventually('no data of the tenant', () => Object.keys(found()).length === 0, 5_000).catch(() => undefined);
    expect(found()).toEqual({});
  },
  120_000,
);
