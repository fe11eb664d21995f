import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defined } from '../../../core/defined.ts';
import { ConditionFailed, isDomainError } from '../../../core/errors.ts';
import {
  type Item,
  type Json,
  type Key,
  type Put,
  put,
  type Query,
  type Table,
  type Write,
} from '../../../core/ports/table.ts';
import { MAX_DATA_BYTES, MAX_WRITES } from '../../../core/ports/table-rules.ts';

export interface OpenTable {
  readonly table: Table;
  close(): Promise<void>;
}

/** What every adapter of the Table port must do. Each test uses its own partitions, so all share one table. */
export function tableContract(name: string, open: () => Promise<OpenTable>): void {
  describe(`${name} as a Table`, () => {
    let opened: OpenTable;
    let table: Table;
    let partitions = 0;
    const partition = (): string => `p${partitions++}`;

    beforeAll(async () => {
      opened = await open();
      table = opened.table;
    });
    afterAll(async () => opened.close());

    test('returns an item as it was written', async () => {
      const item: Item = {
        pk: partition(),
        sk: 'ünï/çødé 😀',
        version: 1,
        data: { text: '日本 "quoted"\n', list: [1, null, true, { deep: 1.5 }], empty: {}, __proto: '' },
        indexes: { g1: { pk: partition(), sk: 'one' }, g5: { pk: partition(), sk: 'five' } },
        expiresAt: 4_000_000_000,
      };
      await table.transact([put(item)]);
      expect(await table.get(item)).toEqual(item);
      const { indexes, ...listed } = item;
      expect(await table.query({ pk: item.pk, limit: 1 })).toEqual({ items: [listed] });
      expect(await table.query({ pk: indexes?.g5?.pk ?? '', index: 'g5', limit: 1 })).toEqual({ items: [listed] });
    });

    test('returns nothing for an unknown key and an unknown partition', async () => {
      const pk = partition();
      expect(await table.get({ pk, sk: 'x' })).toBeUndefined();
      expect(await table.query({ pk, limit: 10 })).toEqual({ items: [] });
      expect(await table.query({ pk, index: 'g1', limit: 10 })).toEqual({ items: [] });
    });

    test('deletes an item, and deleting it again is not an error', async () => {
      const pk = partition();
      await table.transact([putAt(pk, 'x', 1)]);
      await table.transact([{ delete: { pk, sk: 'x' } }]);
      await table.transact([{ delete: { pk, sk: 'x' } }]);
      expect(await table.get({ pk, sk: 'x' })).toBeUndefined();
    });

    test('checks each condition against the stored item', async () => {
      const pk = partition();
      await table.transact([putAt(pk, 'there', 3)]);
      const there = { pk, sk: 'there' };
      const gone = { pk, sk: 'gone' };
      const holding: Write[] = [
        { check: there, if: 'present' },
        { check: there, if: { version: 3 } },
        { check: gone, if: 'absent' },
        { ...putAt(pk, 'there', 3), if: 'present' },
        { ...putAt(pk, 'there', 3), if: { version: 3 } },
      ];
      for (const write of holding) await table.transact([write]);
      const failing: Write[] = [
        { check: there, if: 'absent' },
        { check: there, if: { version: 2 } },
        { check: gone, if: 'present' },
        { check: gone, if: { version: 1 } },
        { ...putAt(pk, 'there', 9), if: 'absent' },
        { ...putAt(pk, 'gone', 9), if: { version: 1 } },
        { delete: there, if: { version: 2 } },
        { delete: gone, if: 'present' },
      ];
      for (const write of failing) await expect(table.transact([write])).rejects.toThrow(ConditionFailed);
      expect(await table.get(there)).toMatchObject({ version: 3 });
      expect(await table.get(gone)).toBeUndefined();
    });

    test('names every condition that failed, and writes nothing', async () => {
      const pk = partition();
      await table.transact([putAt(pk, 'b', 1), putAt(pk, 'd', 1)]);
      const attempt = table.transact([
        putAt(pk, 'a', 1),
        { ...putAt(pk, 'b', 2), if: 'absent' },
        { delete: { pk, sk: 'd' } },
        { check: { pk, sk: 'c' }, if: 'present' },
      ]);
      await expect(attempt).rejects.toMatchObject({ code: 'CONDITION_FAILED', failed: [1, 3] });
      expect(await keysOf(table, { pk, limit: 10 })).toEqual(['b', 'd']);
    });

    test('lets exactly one of many concurrent writers of the same version succeed', async () => {
      const pk = partition();
      await table.transact([putAt(pk, 'x', 1)]);
      const attempts = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) =>
          table.transact([
            put({ pk, sk: 'x', version: 2, data: { writer: i } }, { version: 1 }),
            putAt(pk, `w${i}`, 1),
          ]),
        ),
      );
      const winners = attempts.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await table.get({ pk, sk: 'x' })).toMatchObject({ version: 2, data: { writer: winners[0] } });
      expect(await keysOf(table, { pk, prefix: 'w', limit: 100 })).toEqual([`w${winners[0]}`]);
    });

    test('loses no update of writers that read, change and retry', async () => {
      const count: Key<{ value: number }> = { pk: partition(), sk: 'count' };
      await table.transact([put({ ...count, version: 1, data: { value: 0 } })]);
      const increment = async (): Promise<void> => {
        for (;;) {
          const item = await table.get(count);
          if (!item) throw new Error('the counter vanished');
          const next = { ...item, version: item.version + 1, data: { value: item.data.value + 1 } };
          try {
            return await table.transact([put(next, { version: item.version })]);
          } catch (error) {
            if (!isDomainError(error, 'CONDITION_FAILED')) throw error;
          }
        }
      };
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          for (let i = 0; i < 4; i++) await increment();
        }),
      );
      expect(await table.get(count)).toMatchObject({ version: 21, data: { value: 20 } });
    });

    test('orders sort keys by their UTF-8 bytes, in both directions', async () => {
      const pk = partition();
      const ordered = ['A', 'B', 'a', 'a ', 'a#', 'aa', 'é', '\ud7ff', '\ue000', '\uffee', '😀'];
      await table.transact(ordered.toReversed().map((sk) => putAt(pk, sk, 1)));
      expect(await keysOf(table, { pk, limit: 100 })).toEqual(ordered);
      expect(await keysOf(table, { pk, limit: 100, descending: true })).toEqual(ordered.toReversed());
    });

    test('filters by prefix, whatever its last character', async () => {
      const pk = partition();
      const keys = ['a', 'a\ud7ffx', 'a\ue000', 'a😀', `b\u{10ffff}`, `b\u{10ffff}x`, 'c', '%', '_'];
      await table.transact(keys.map((sk) => putAt(pk, sk, 1)));
      for (const prefix of ['a', 'a\ud7ff', 'a😀', 'b\u{10ffff}', 'b', '%', 'none', '']) {
        const expected = keys.filter((key) => key.startsWith(prefix)).sort(byUtf8);
        expect(await keysOf(table, { pk, prefix, limit: 100 })).toEqual(expected);
        expect(await keysOf(table, { pk, prefix, limit: 100, descending: true })).toEqual(expected.toReversed());
      }
    });

    test('starts after any key, even one that does not exist or is outside the prefix', async () => {
      const pk = partition();
      await table.transact(['a1', 'b1', 'b3', 'c1'].map((sk) => putAt(pk, sk, 1)));
      expect(await keysOf(table, { pk, after: 'b2', limit: 10 })).toEqual(['b3', 'c1']);
      expect(await keysOf(table, { pk, after: 'b2', limit: 10, descending: true })).toEqual(['b1', 'a1']);
      expect(await keysOf(table, { pk, prefix: 'b', after: 'a', limit: 10 })).toEqual(['b1', 'b3']);
      expect(await keysOf(table, { pk, prefix: 'b', after: 'c', limit: 10 })).toEqual([]);
      expect(await keysOf(table, { pk, prefix: 'b', after: 'c', limit: 10, descending: true })).toEqual(['b3', 'b1']);
      expect(await keysOf(table, { pk, prefix: 'b', after: 'a', limit: 10, descending: true })).toEqual([]);
    });

    test('returns a next page only if there are more items', async () => {
      const pk = partition();
      await table.transact(['a', 'b'].map((sk) => putAt(pk, sk, 1)));
      expect((await table.query({ pk, limit: 1 })).next).toBe('a');
      expect((await table.query({ pk, limit: 2 })).next).toBeUndefined();
      expect((await table.query({ pk, limit: 1, after: 'a' })).next).toBeUndefined();
    });

    test('pages over 1,200 items without loss or repetition, at any page size, by table and by index', async () => {
      const pk = partition();
      const keys = Array.from({ length: 1200 }, (_, i) => `${'xyz'[i % 3]}${(i * 7919) % 1200}`);
      for (let i = 0; i < keys.length; i += MAX_WRITES) {
        const batch = keys.slice(i, i + MAX_WRITES);
        await table.transact(
          batch.map((sk) => put({ pk, sk, version: 1, data: {}, indexes: { g2: { pk, sk: `by-${sk}` } } })),
        );
      }
      const cases = fc.record({
        limit: fc.integer({ min: 7, max: 1000 }),
        prefix: fc.constantFrom('', 'x', 'y1', 'none'),
        descending: fc.boolean(),
        indexed: fc.boolean(),
      });
      const pages = fc.asyncProperty(cases, async ({ limit, prefix, descending, indexed }) => {
        const query = indexed
          ? ({ pk, index: 'g2', prefix: `by-${prefix}`, limit, descending } as const)
          : { pk, prefix, limit, descending };
        const expected = keys.filter((key) => key.startsWith(prefix)).sort(byUtf8);
        expect(await allKeysOf(table, query)).toEqual(descending ? expected.toReversed() : expected);
      });
      await fc.assert(pages, { numRuns: 25 });
    });

    test('keeps indexes consistent with their items', async () => {
      const pk = partition();
      const [before, after] = [partition(), partition()];
      const item = { pk, sk: 'x', version: 1, data: {}, indexes: { g1: { pk: before, sk: '1' } } };
      await table.transact([put(item), putAt(pk, 'unindexed', 1)]);
      expect(await keysOf(table, { pk: before, index: 'g1', limit: 10 })).toEqual(['x']);
      await table.transact([put({ ...item, version: 2, indexes: { g1: { pk: after, sk: '1' } } })]);
      expect(await keysOf(table, { pk: before, index: 'g1', limit: 10 })).toEqual([]);
      expect(await keysOf(table, { pk: after, index: 'g1', limit: 10 })).toEqual(['x']);
      await table.transact([{ delete: item }]);
      expect(await keysOf(table, { pk: after, index: 'g1', limit: 10 })).toEqual([]);
    });

    test('never returns an expired item, and lets a new one replace it', async () => {
      const pk = partition();
      const expired = { pk, sk: 'x', version: 4, data: {}, expiresAt: 1, indexes: { g1: { pk, sk: 'x' } } };
      await table.transact([put(expired), putAt(pk, 'y', 1)]);
      expect(await table.get(expired)).toBeUndefined();
      expect(await keysOf(table, { pk, limit: 10 })).toEqual(['y']);
      expect(await keysOf(table, { pk, index: 'g1', limit: 10 })).toEqual([]);
      await expect(table.transact([{ check: expired, if: { version: 4 } }])).rejects.toThrow(ConditionFailed);
      await table.transact([{ ...putAt(pk, 'x', 1), if: 'absent' }]);
      expect(await table.get(expired)).toMatchObject({ version: 1 });
    });

    test('behaves like a map, whatever the transactions', async () => {
      const sk = fc.constantFrom('a', 'b', 'c', 'd');
      const condition = fc.constantFrom<Write['if'][]>(undefined, undefined, 'absent', 'present', { version: 1 });
      const step = fc.uniqueArray(
        fc.record({ sk, condition, put: fc.boolean(), version: fc.integer({ min: 1, max: 2 }) }),
        {
          selector: (write) => write.sk,
          minLength: 1,
        },
      );
      const history = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const pk = partition();
        const model = new Map<string, number>();
        for (const writes of steps) {
          const failed = writes.flatMap((write, i) => (holds(write.condition, model.get(write.sk)) ? [] : [i]));
          const attempt = table.transact(
            writes.map((write) =>
              write.put
                ? put({ pk, sk: write.sk, version: write.version, data: {} }, write.condition)
                : { delete: { pk, sk: write.sk }, ...defined({ if: write.condition }) },
            ),
          );
          if (failed.length > 0) {
            await expect(attempt).rejects.toMatchObject({ failed });
            continue;
          }
          await attempt;
          for (const write of writes) {
            if (write.put) model.set(write.sk, write.version);
            else model.delete(write.sk);
          }
        }
        const { items } = await table.query({ pk, limit: 10 });
        expect(items.map((item) => [item.sk, item.version])).toEqual([...model].sort());
      });
      await fc.assert(history, { numRuns: 40 });
    });

    test(`accepts ${MAX_WRITES} writes at once, and none`, async () => {
      const pk = partition();
      await table.transact(Array.from({ length: MAX_WRITES }, (_, i) => putAt(pk, `${i}`, 1)));
      await table.transact([]);
      expect(await keysOf(table, { pk, limit: 1000 })).toHaveLength(MAX_WRITES);
    });

    test('refuses a transaction that exceeds a limit, and writes nothing', async () => {
      const pk = partition();
      const refused: [string, Write[]][] = [
        ['INVALID', Array.from({ length: MAX_WRITES + 1 }, (_, i) => putAt(pk, `${i}`, 1))],
        ['INVALID', [putAt(pk, 'twice', 1), { delete: { pk, sk: 'twice' } }]],
        ['INVALID', [putAt(pk, '', 1)]],
        ['INVALID', [putAt('', 'x', 1)]],
        ['INVALID', [putAt(pk, 'x'.repeat(513), 1)]],
        ['INVALID', [putAt(pk, '日'.repeat(512), 1)]],
        ['INVALID', [putAt(pk, 'line\nbreak', 1)]],
        ['INVALID', [putAt(pk, 'half \ud800', 1)]],
        ['INVALID', [putAt(pk, 'x', 0)]],
        ['INVALID', [putAt(pk, 'x', 1.5)]],
        ['INVALID', [put({ pk, sk: 'x', version: 1, data: {}, expiresAt: 1.5 })]],
        ['INVALID', [put({ pk, sk: 'x', version: 1, data: {}, indexes: { g1: { pk: '', sk: 'x' } } })]],
        ['TOO_LARGE', [put({ pk, sk: 'x', version: 1, data: { text: 'x'.repeat(MAX_DATA_BYTES) } })]],
        [
          'TOO_LARGE',
          Array.from({ length: 15 }, (_, i) =>
            put({ pk, sk: `${i}`, version: 1, data: { text: 'x'.repeat(MAX_DATA_BYTES - 100) } }),
          ),
        ],
      ];
      for (const [code, writes] of refused) {
        await expect(table.transact([...writes.slice(1), ...writes.slice(0, 1)])).rejects.toMatchObject({ code });
      }
      for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
        await expect(table.query({ pk, limit })).rejects.toMatchObject({ code: 'INVALID' });
      }
      await expect(table.get({ pk, sk: '' })).rejects.toMatchObject({ code: 'INVALID' });
      expect(await table.query({ pk, limit: 1 })).toEqual({ items: [] });
    });
  });
}

function putAt(pk: string, sk: string, version: number, data: { [key: string]: Json } = {}): Put {
  return put({ pk, sk, version, data });
}

function holds(condition: Write['if'], version: number | undefined): boolean {
  if (condition === undefined) return true;
  if (condition === 'absent') return version === undefined;
  if (condition === 'present') return version !== undefined;
  return version === condition.version;
}

function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

async function keysOf(table: Table, query: Query): Promise<string[]> {
  return (await table.query(query)).items.map((item) => item.sk);
}

async function allKeysOf(table: Table, query: Query): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await table.query({ ...query, ...defined({ after }) });
    expect(items.length).toBeLessThanOrEqual(query.limit);
    keys.push(...items.map((item) => item.sk));
    if (next === undefined) return keys;
    after = next;
  }
}
