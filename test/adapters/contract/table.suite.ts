import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defined } from '../../../core/defined.ts';
import { ConditionFailed, isDomainError } from '../../../core/errors.ts';
import { type Item, type Key, put, type Table, type Write } from '../../../core/ports/table.ts';
import { MAX_DATA_BYTES, MAX_WRITES } from '../../../core/ports/table-rules.ts';
import { keysOf, putAt, queryContract } from './table-queries.suite.ts';

export interface OpenTable {
  readonly table: Table;
  close(): Promise<void>;
}

/**
 * What every adapter of the Table port must do. Each test uses its own partitions, so all share one table.
 * @param options.prefix of the partitions' names
 * @param options.smallestPage of a long list, for a table that takes long for each page. @default 7
 */
export function tableContract(
  name: string,
  open: () => Promise<OpenTable>,
  { prefix = '', smallestPage }: { readonly prefix?: string; readonly smallestPage?: number } = {},
): void {
  describe(`${name} as a Table`, () => {
    let opened: OpenTable;
    let table: Table;
    let partitions = 0;
    const partition = (): string => `${prefix}p${partitions++}`;

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

    queryContract(() => table, partition, smallestPage);
  });
}

function holds(condition: Write['if'], version: number | undefined): boolean {
  if (condition === undefined) return true;
  if (condition === 'absent') return version === undefined;
  if (condition === 'present') return version !== undefined;
  return version === condition.version;
}
