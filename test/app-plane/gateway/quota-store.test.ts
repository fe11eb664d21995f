import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Meter } from '../../../app-plane/gateway/meter.ts';
import { QuotaStore } from '../../../app-plane/gateway/quota-store.ts';
import { put } from '../../../core/ports/table.ts';
import { utcDay } from '../../../core/usage/quota.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { silentLog } from '../../support/silent-log.ts';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
beforeEach(async () => {
  scratch = await openScratchTable();
});
afterEach(() => scratch.close());

async function storedKeys(): Promise<string[]> {
  const { items } = await scratch.table.query({ pk: 'quota', limit: 1_000 });
  return items.map(({ sk }) => sk);
}

async function open(routes: ReadonlySet<string>): Promise<QuotaStore> {
  const { table, clock } = scratch;
  const meter = new Meter({ clock });
  return QuotaStore.open({ table, meter, clock, log: silentLog, hasRoute: async (tenantId) => routes.has(tenantId) });
}

test('RT-2: the start deletes the counts of earlier days and of tenants that have no route, and keeps all others', async () => {
  const { table, clock } = scratch;
  const today = utcDay(clock.now());
  // More than fit into one page and one transaction.
  const tenants = Array.from({ length: 150 }, (_, i) => `tenant${String(i).padStart(5, '0')}`);
  for (const [i, tenantId] of tenants.entries()) {
    const data = { tenantId, day: i % 10 === 0 ? today - 1 : today, count: i };
    await table.transact([put({ pk: 'quota', sk: `key-${tenantId}`, version: 1, data })]);
  }
  const routes = new Set(tenants.filter((_, i) => i % 3 !== 0));
  const expected = tenants.filter((tenantId, i) => routes.has(tenantId) && i % 10 !== 0);
  for (let start = 0; start < 2; start++) {
    const store = await open(routes);
    expect(await storedKeys()).toEqual(expected.map((tenantId) => `key-${tenantId}`));
    expect(tenants.filter((tenantId) => store.has(tenantId))).toEqual(expected);
  }
});
