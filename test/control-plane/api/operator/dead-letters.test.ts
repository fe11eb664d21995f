import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listDeadLetters, replayDeadLetter } from '../../../../control-plane/api/operator/dead-letters.ts';
import { OUTBOX, REJECTED } from '../../../../core/events/outbox-partitions.ts';
import type { DeadLetter, Envelope, EventBus } from '../../../../core/ports/event-bus.ts';
import { put } from '../../../../core/ports/table.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const event = (id: string): Envelope => ({ id, source: 's', detailType: 't', detail: { id }, time: TIME });

/** Dead letters of the bus, in pages of what fits, and the calls that the bus has got. */
class FakeBus implements EventBus {
  readonly letters: DeadLetter[] = [];
  readonly replayed: string[] = [];
  queries = 0;

  async deadLetters({ consumer, after, limit }: Parameters<EventBus['deadLetters']>[0]) {
    this.queries += 1;
    const found = this.letters.filter((one) => consumer === undefined || one.consumer === consumer);
    const start = after === undefined ? 0 : found.findIndex(({ id }) => id === after) + 1;
    const items = found.slice(start, start + limit);
    const last = items.at(-1);
    return { items, ...(last && start + limit < found.length && { next: last.id }) };
  }

  async replay(id: string) {
    this.replayed.push(id);
  }

  async publish() {}
  subscribe = () => ({ close: async () => undefined });
  async forgetTenant() {}
}

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let bus: FakeBus;
beforeEach(async () => {
  scratch = await openScratchTable();
  bus = new FakeBus();
});
afterEach(async () => scratch.close());

const deps = () => ({ table: scratch.table, bus });

function failDelivery(...ids: string[]): void {
  for (const id of ids)
    bus.letters.push({ id, consumer: 'c', event: event(id), attempts: 3, reason: 'r', failedAt: TIME });
}

async function reject(...ids: string[]): Promise<void> {
  const rejected = (sk: string) =>
    put({ ...REJECTED, sk, version: 1, data: { event: event(sk), reason: 'no schema' } });
  if (ids.length > 0) await scratch.table.transact(ids.map(rejected));
}

/** Ids of all pages. */
async function pages(limit: number, consumer?: string): Promise<string[][]> {
  const found: string[][] = [];
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const { items, next }: Awaited<ReturnType<typeof listDeadLetters>> = await listDeadLetters(deps(), {
      consumer,
      after,
      limit,
    });
    found.push(items.map(({ id }) => id));
    if (found.length > 20) throw new Error('the pages must end');
    after = next;
  }
  return found;
}

describe('OB-5: the list of dead letters', () => {
  const FAILED = ['a', 'b', 'c'];
  const NEVER_PUBLISHED = ['1', '2', '3'];

  test.each(FAILED.flatMap((_, f) => NEVER_PUBLISHED.map((_, r) => [f, r] as const)))(
    'has each of %i that failed and of %i that were never published once, in full pages',
    async (failed, rejected) => {
      failDelivery(...FAILED.slice(0, failed));
      await reject(...NEVER_PUBLISHED.slice(0, rejected));
      const all = [...FAILED.slice(0, failed), ...NEVER_PUBLISHED.slice(0, rejected).map((id) => `outbox~${id}`)];
      for (const limit of [1, 2, 3, 4, 7]) {
        const found = await pages(limit);
        expect(found.flat()).toEqual(all);
        expect(found).toHaveLength(Math.max(1, Math.ceil(all.length / limit)));
      }
    },
  );

  test('is that of one consumer', async () => {
    failDelivery('a', 'b');
    await reject('1', '2', '3');
    expect(await pages(2, 'c')).toEqual([['a', 'b']]);
    expect(await pages(9, 'other')).toEqual([[]]);
    bus.queries = 0;
    expect(await pages(2, 'outbox')).toEqual([['outbox~1', 'outbox~2'], ['outbox~3']]);
    expect(bus.queries).toBe(0);
  });

  test('shows an event that was never published as one that failed at its first attempt', async () => {
    await reject('1');
    expect((await listDeadLetters(deps(), { limit: 1 })).items).toEqual([
      { id: 'outbox~1', consumer: 'outbox', event: event('1'), attempts: 1, reason: 'no schema', failedAt: TIME },
    ]);
  });
});

describe('OB-5: a replay', () => {
  const inOutbox = async () => (await scratch.table.query({ ...OUTBOX, limit: 9 })).items;

  test('of a failed delivery is the task of the bus', async () => {
    await replayDeadLetter(deps(), 'a');
    expect(bus.replayed).toEqual(['a']);
  });

  test('of an event that was never published moves it into the outbox', async () => {
    await reject('1', '2');
    await replayDeadLetter(deps(), 'outbox~1');
    expect(await inOutbox()).toMatchObject([{ sk: '1', version: 1, data: event('1') }]);
    expect(await pages(9)).toEqual([['outbox~2']]);
    expect(bus.replayed).toEqual([]);
  });

  test.each(['', 'unknown', 'a\u0000', 'x'.repeat(513), 'x'.repeat(4_000)])(
    'of the unknown id outbox~%s is refused',
    async (sk) => {
      await reject('1');
      const refusal = { code: 'NOT_FOUND', message: 'dead letter not found' };
      await expect(replayDeadLetter(deps(), `outbox~${sk}`)).rejects.toMatchObject(refusal);
      expect(await inOutbox()).toEqual([]);
    },
  );

  test('publishes once what two replay at the same moment', async () => {
    await reject('1');
    const { table } = scratch;
    const slower = {
      get: table.get.bind(table),
      query: table.query.bind(table),
      async transact(writes: Parameters<typeof table.transact>[0]) {
        await replayDeadLetter(deps(), 'outbox~1');
        // The publisher takes it at once.
        await table.transact([{ delete: { ...OUTBOX, sk: '1' } }]);
        await table.transact(writes);
      },
    } as typeof table;
    await expect(replayDeadLetter({ table: slower, bus }, 'outbox~1')).rejects.toMatchObject({
      code: 'CONDITION_FAILED',
    });
    expect(await inOutbox()).toEqual([]);
  });
});
