import { join } from 'node:path';
import { systemClock, systemRandom } from '../adapters/embedded/clock.ts';
import { openTable } from '../adapters/embedded/store/table.ts';
import { newRecord } from '../control-plane/api/tenants/register.ts';
import { insertTenant } from '../control-plane/api/tenants/tenant-store.ts';
import { tenantPartition } from '../core/tenant/record.ts';
import { figure, type Measured, percentile } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';

const TENANTS = 100_000;
const PAGES = 500;
const PAGE_SIZE = 50;
/** Inserts under way at once; they share commits. */
const WIDTH = 256;

/**
 * A page of the tenant list over HTTP, walking through 100,000 tenants. These are written by the control plane's own
 * functions, straight into the store: how they are onboarded is measured elsewhere.
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
      const answer = await platform.admin<{ data: object[]; next_token?: string }>('GET', query);
      times.push(performance.now() - start);
      if (answer.data.length !== PAGE_SIZE) throw new Error(`page ${page} has ${answer.data.length} tenants`);
      token = answer.next_token ?? '';
    }
    const yardstick = { name: 'the same page from the store, without HTTP', value: bare, unit: 'ms' };
    return { figure: figure('tenant-list-p99', percentile(times, 0.99), 'ms', yardstick, { atMost: 20 }) };
  } finally {
    await platform.dispose();
  }
}

/** @returns p99 of reading one page in this process, in milliseconds */
async function writeTenants(file: string): Promise<number> {
  const deps = { table: openTable({ file, clock: systemClock }), clock: systemClock, random: systemRandom };
  let next = 0;
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      while (next < TENANTS) {
        const tenantName = `tenant-${next++}`;
        const asked = {
          tenantName,
          email: `${tenantName}@list.example`,
          tier: 'basic',
          tenantExtras: {},
          registrationExtras: {},
          statusGiven: false,
        } as const;
        await insertTenant(deps, newRecord(deps, asked), []);
      }
    }),
  );
  const times: number[] = [];
  const place = tenantPartition({});
  let after: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const start = performance.now();
    const found = await deps.table.query({ ...place, limit: PAGE_SIZE, ...(after !== undefined && { after }) });
    times.push(performance.now() - start);
    after = found.next;
  }
  await deps.table.close();
  return percentile(times, 0.99);
}
