import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadPlacement, type Placement } from '../../../app-plane/provisioner/placement.ts';
import { queueAfterPublicUrlChange } from '../../../app-plane/provisioner/public-url-change.ts';
import { TIER_NAMES } from '../../../tenant-templates/tiers.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { placementOf, store } from './placements.ts';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;

beforeEach(async () => {
  scratch = await openScratchTable();
});
afterEach(() => scratch.close());

const start = (publicUrl: string) => queueAfterPublicUrlChange(scratch.table, publicUrl);
const load = async (tenantId: string) => (await loadPlacement(scratch.table, tenantId))?.data;

async function tenantsOfEveryTier(change: Partial<Placement>, prefix: string): Promise<Placement[]> {
  const placements = TIER_NAMES.map((tier, i) => {
    const { spec, ...placement } = placementOf({ ...change, tenantId: `${prefix}000${i}` });
    return spec ? { ...placement, spec: { ...spec, tier } } : placement;
  });
  for (const placement of placements) await store(scratch.table, placement);
  return placements;
}

describe('the public URL', () => {
  test('is remembered at the first start, which marks no tenant', async () => {
    const [ready] = await tenantsOfEveryTier({ phase: 'ready' }, 'tenant');
    expect(await start('http://a')).toEqual([]);
    expect(await load('tenant0000')).toEqual(ready);
    expect(await start('http://a')).toEqual([]);
    expect(await scratch.table.get({ pk: 'placement-public-url', sk: 'public-url' })).toMatchObject({
      version: 1,
      data: { publicUrl: 'http://a' },
    });
  });

  test('that has changed marks every ready tenant of every tier, to be announced at once, and no other', async () => {
    await start('http://a');
    const ready = await tenantsOfEveryTier({ phase: 'ready' }, 'ready0');
    const working = await tenantsOfEveryTier({ phase: 'provisioning' }, 'work00');
    const marked = ready.map((placement) => ({ ...placement, unannounced: true, nextAttemptAt: 0 }));
    expect(await start('http://b')).toEqual(marked);
    for (const placement of [...marked, ...working]) expect(await load(placement.tenantId)).toEqual(placement);
    expect(await scratch.table.get({ pk: 'placement-public-url', sk: 'public-url' })).toMatchObject({
      version: 2,
      data: { publicUrl: 'http://b' },
    });
    expect(await start('http://b')).toEqual([]);
  });

  test('that has changed back marks the tenants again', async () => {
    await start('http://a');
    await start('http://b');
    await tenantsOfEveryTier({ phase: 'ready' }, 'tenant');
    expect(await start('http://a')).toHaveLength(TIER_NAMES.length);
  });

  test.each([
    ['has begun to change', true],
    ['is gone', false],
  ])('does not mark a tenant that %s meanwhile', async (_what, exists) => {
    await start('http://a');
    await tenantsOfEveryTier({ phase: 'ready' }, 'tenant');
    const { table } = scratch;
    const get = (async (key: { pk: string; sk: string }) => {
      const item = await table.get<Placement>(key);
      if (!item?.pk.startsWith('placement#')) return item;
      return exists ? { ...item, data: { ...item.data, phase: 'deprovisioning' } } : undefined;
    }) as typeof table.get;
    const changing = { get, query: table.query.bind(table), transact: table.transact.bind(table) } as typeof table;
    expect(await queueAfterPublicUrlChange(changing, 'http://b')).toEqual([]);
  });
});
