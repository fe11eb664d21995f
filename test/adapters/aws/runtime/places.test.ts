import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from '@jest/globals';
import { openPlaces } from '../../../../adapters/aws/runtime/places.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { ConditionFailed } from '../../../../core/errors.ts';
import type { Places } from '../../../../core/ports/places.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { TIERS } from '../../../../tenant-templates/tiers.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';
import { placesContract } from '../../contract/places.suite.ts';

const idOf = (n: number) => `tenant${String(n).padStart(5, '0')}`;

function openIn(table: Table, shards: number): Places {
  return openPlaces({ table, tiers: TIERS, shards, clock: systemClock, random: systemRandom });
}

describeInAccount('an emulated account', (account) => {
  placesContract('a cell with two load balancers', async () => {
    const table = await createTable(new DynamoDBClient(clientConfig(account())), 'places');
    return { places: openIn(table, 2), close: async () => undefined };
  });
});

async function inScratch(work: (table: Table) => Promise<void>): Promise<void> {
  const scratch = await openScratchTable();
  try {
    await work(scratch.table);
  } finally {
    await scratch.close();
  }
}

test('a full cell refuses a tenant with the reason, admits it once another gives its place back, and repeats no priority', () =>
  inScratch(async (table) => {
    const places = openIn(table, 1);
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, n) => places.take({ tenantId: idOf(n), tier: 'premium' })),
    );
    const priorities = taken.map(({ shard }) => shard?.priority);
    expect(priorities.toSorted()).toEqual(Array.from({ length: 20 }, (_, n) => 100 + n));
    const late = { tenantId: idOf(99), tier: 'premium' } as const;
    await expect(places.take(late)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: 'the cell is full for tenants with their own cluster: it admits at most 20 and has 20',
    });
    expect(await table.get({ pk: `place#${late.tenantId}`, sk: 'place' })).toBeUndefined();
    await places.give(idOf(7));
    expect((await places.take(late)).shard).toEqual(taken[7]?.shard);
    await expect(places.take({ tenantId: idOf(98), tier: 'premium' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  }));

test('tenants are spread over the load balancers, and giving all places back leaves nothing taken', () =>
  inScratch(async (table) => {
    const places = openIn(table, 3);
    const requests = Array.from(
      { length: 12 },
      (_, n) => ({ tenantId: idOf(n), tier: n % 2 ? 'basic' : 'advanced' }) as const,
    );
    const taken = await Promise.all(requests.map((request) => places.take(request)));
    const numbers = taken.map(({ shard }) => shard?.number);
    for (const parity of [0, 1]) {
      const counts = [1, 2, 3].map((number) => numbers.filter((one, n) => one === number && n % 2 === parity).length);
      expect(counts).toEqual([2, 2, 2]);
    }
    await Promise.all(requests.flatMap(({ tenantId }) => [places.give(tenantId), places.give(tenantId)]));
    for (const number of [1, 2, 3]) {
      expect((await table.get({ pk: `shard#${number}`, sk: 'shard' }))?.data).toEqual({
        pool: 0,
        service: [],
        cluster: [],
      });
    }
  }));

test('attempts that lose against other tenants wait longer each time, up to 1 s, and end', () =>
  inScratch(async (table) => {
    const waits: number[] = [];
    const clock = {
      after(ms: number, run: () => void) {
        waits.push(ms);
        queueMicrotask(run);
        return { cancel: () => undefined };
      },
    };
    const contended: Table = {
      get: (key) => table.get(key),
      query: (query) => table.query(query),
      transact: () => Promise.reject(new ConditionFailed([1])),
    };
    const places = openPlaces({ table: contended, tiers: TIERS, shards: 1, clock, random: () => new Uint8Array(1) });
    await expect(places.take({ tenantId: idOf(1), tier: 'basic' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(waits.slice(0, 9)).toEqual([10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    expect(waits).toHaveLength(29);
  }));
