import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { copyOfTree, type TreeCopy } from '../support/tree-copy.ts';
import { PASSWORD, TestPlatform } from './harness.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TABLE = 'tenant-templates/tiers.ts';
const TABLE_END = /^\} as const satisfies /m;

/** The first TypeScript block of docs/add-a-tier.md: one entry of the table. */
function documentedEntry(): string {
  const page = readFileSync(join(ROOT, 'docs/add-a-tier.md'), 'utf8');
  const entry = /```ts\n([\s\S]*?)```/.exec(page)?.[1];
  if (!entry) throw new Error('docs/add-a-tier.md shows no entry');
  return entry;
}

let tree: TreeCopy;
let copy: string;
let platform: TestPlatform;
beforeAll(async () => {
  tree = copyOfTree();
  copy = tree.path;
  const table = readFileSync(join(copy, TABLE), 'utf8');
  writeFileSync(
    join(copy, TABLE),
    table.replace(TABLE_END, (end) => `${documentedEntry()}${end}`),
  );
  platform = new TestPlatform({ launcher: join(copy, 'bin/tierplane') });
  await platform.start();
}, 120_000);
afterAll(async () => {
  await platform?.dispose();
  tree.remove();
});

test('DX-3: a tier that is added by the document alone compiles', () => {
  const { stdout } = spawnSync('node_modules/.bin/tsc', ['-p', '.'], { cwd: copy, encoding: 'utf8' });
  expect(stdout).toBe('');
}, 120_000);

test('DX-3: a tenant of a tier that is added by the document alone is onboarded and served by its own services', async () => {
  const tenant = await platform.onboard('Umbrella', 'standard');
  expect(tenant).toMatchObject({ tier: 'standard', state: 'active' });
  const token = await platform.tenantToken('umbrella', tenant.email, PASSWORD);
  const product = { name: 'Vaccine', sku: 'v-1', category: 'health', price: { amount: 100, currency: 'EUR' } };
  expect((await platform.api('POST', '/products', token, product)).status).toBe(201);
  const services = await platform.admin<{ data: { tenantId: string | null; cluster: string }[] }>(
    'GET',
    '/operator/services',
  );
  const own = services.body.data.filter(({ tenantId }) => tenantId === tenant.tenantId);
  expect(own.map(({ cluster }) => cluster)).toEqual(['shared', 'shared', 'shared']);
}, 120_000);
