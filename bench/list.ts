import { join } from 'node:path';
import { openTable } from '../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../adapters/shared/clock.ts';
import { newRecord } from '../control-plane/api/tenants/register.ts';
import { insertTenant } from '../control-plane/api/tenants/tenant-store.ts';
import type { Table } from '../core/ports/table.ts';
import { tenantPartition } from '../core/tenant/record.ts';
import { figure, type Measured, percentile } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';

const TENANTS = 100_000;
const PAGES = 500;
const PAGE_SIZE = 50;
/** Concurrent inserts; they share commits. */
const WIDTH = 256;

/**
 * A page of the tenant list over HTTP, on the way through 100,000 tenants. The control plane's functions write the tenants
 * directly into the store; other figures measure onboarding.
 */
export async function tenantList(): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    await platform.start();
    await platform.stop();
    const bare = await writeTenants(join(platform.dataDir, 'platform.db'));
    await platform.start();
    await platform.adminToken();
    const times: number[] = [];
    let token = '';
    for (let page = 0; page < PAGES; page++) {
      const start = performance.now();
      const query = `/tenants?limit=${PAGE_SIZE}&next_token=${encodeURIComponent(token)}`;
      const list = await platform.admin<{ data: object[]; next_token?: string }>('GET', query);
      times.push(performance.now() - start);
      if (list.data.length !== PAGE_SIZE) throw new Error(`page ${page} has ${list.data.length} tenants`);
      token = list.next_token ?? '';
    }
    const yardstick = { name: 'the same page from the store, without HTTP', value: bare, unit: 'ms' };
    return { figure: figure('tenant-list-p99', percentile(times, 0.99), 'ms', yardstick, { atMost: 20 }) };
  } finally {
    await platform.dispose();
  }
}

/** Writes all tenants into the store. @returns p99 of reading one page in this process, in milliseconds */
async function writeTenants(file: string): Promise<number> {
  const deps = { table: openTable({ file, clock: systemClock }), clock: systemClock, random: systemRandom };
  let next = 0;
  const insertAll = async () => {
    while (next < TENANTS) await insertTenant(deps, newRecord(deps, registration(`tenant-${next++}`)), []);
  };
  await Promise.all(Array.from({ length: WIDTH }, insertAll));
  const times = await readPages(deps.table);
  await deps.table.close();
  return percentile(times, 0.99);
}

function registration(tenantName: string) {
  return {
    tenantName,
    email: `${tenantName}@list.example`,
    tier: 'basic',
    tenantExtras: {},
    registrationExtras: {},
    statusGiven: false,
  } as const;
}

async function readPages(table: Table): Promise<number[]> {
  const times: number[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const start = performance.now();
    const found = await table.query({
      ...tenantPartition({}),
      limit: PAGE_SIZE,
      ...(after !== undefined && { after }),
    });
    times.push(performance.now() - start);
    after = found.next;
  }
  return times;
}
