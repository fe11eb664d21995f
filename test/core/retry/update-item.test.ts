import { beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ConditionFailed, isDomainError } from '../../../core/errors.ts';
import { type Condition, type Item, type Key, put, type Table, type Write } from '../../../core/ports/table.ts';
import { type Update, updateItem } from '../../../core/retry/update-item.ts';

interface Counter {
  readonly count: number;
}

const KEY: Key<Counter> = { pk: 'counter', sk: 'one' };
const OTHER: Key = { pk: 'other', sk: 'one' };

/** The conditions and versions of a Table, in memory. */
class MemoryTable implements Pick<Table, 'get' | 'transact'> {
  readonly items = new Map<string, Item<object>>();
  transactions = 0;

  async get<T extends object>({ pk, sk }: Key): Promise<Item<T> | undefined> {
    return this.items.get(`${pk}/${sk}`) as Item<T> | undefined;
  }

  async transact(writes: readonly Write[]): Promise<void> {
    this.transactions += 1;
    const nameOf = (write: Write): string => {
      const { pk, sk } = 'put' in write ? write.put : 'delete' in write ? write.delete : write.check;
      return `${pk}/${sk}`;
    };
    const holds = (condition: Condition | undefined, found: Item<object> | undefined): boolean => {
      if (condition === undefined) return true;
      if (typeof condition === 'object') return found?.version === condition.version;
      return (condition === 'absent') === (found === undefined);
    };
    const failed = writes.flatMap((write, i) => (holds(write.if, this.items.get(nameOf(write))) ? [] : [i]));
    if (failed.length > 0) throw new ConditionFailed(failed);
    for (const write of writes) {
      if ('put' in write) this.items.set(nameOf(write), write.put);
      else if ('delete' in write) this.items.delete(nameOf(write));
    }
  }

  /** Another writer's update of the counter. */
  interfere(count: number): void {
    const version = (this.items.get('counter/one')?.version ?? 0) + 1;
    this.items.set('counter/one', { ...KEY, version, data: { count } });
  }
}

let table: MemoryTable;
const increment = (current: Item<Counter> | undefined) => ({
  item: { data: { count: (current?.data.count ?? 0) + 1 } },
});

beforeEach(() => {
  table = new MemoryTable();
});

describe('updateItem', () => {
  test('creates, replaces and deletes the item, counting its version up', async () => {
    expect(await updateItem(table, KEY, increment)).toEqual({ ...KEY, version: 1, data: { count: 1 } });
    expect(await updateItem(table, KEY, increment)).toEqual({ ...KEY, version: 2, data: { count: 2 } });
    expect(await table.get(KEY)).toMatchObject({ version: 2, data: { count: 2 } });
    expect(await updateItem(table, KEY, () => ({ item: null }))).toBeUndefined();
    expect(await table.get(KEY)).toBeUndefined();
  });

  test('keeps the places in indexes and the expiry that the update gives', async () => {
    const item = { data: { count: 1 }, indexes: { g1: { pk: 'a', sk: 'b' } }, expiresAt: 12 };
    await updateItem(table, KEY, () => ({ item }));
    expect(await table.get(KEY)).toEqual({ ...KEY, version: 1, ...item });
  });

  test('writes nothing if the update is undefined', async () => {
    table.interfere(7);
    expect(await updateItem(table, KEY, () => undefined)).toMatchObject({ data: { count: 7 } });
    expect(table.transactions).toBe(0);
  });

  test('writes `also` alone, without a condition on the item, if the update leaves the item as it is', async () => {
    const update = (): Update<Counter> => {
      table.interfere(7);
      return { also: [put({ ...OTHER, version: 1, data: {} }, 'absent')] };
    };
    await updateItem(table, KEY, update);
    expect(await table.get(OTHER)).toBeDefined();
    await expect(updateItem(table, KEY, update)).rejects.toMatchObject({ failed: [0] });
  });

  test('throws an error of the table that is not about a condition, without a retry', async () => {
    table.transact = async () => {
      table.transactions += 1;
      throw new Error('disk full');
    };
    await expect(updateItem(table, KEY, increment)).rejects.toThrow('disk full');
    expect(table.transactions).toBe(1);
  });

  test('no increment of concurrent writers is lost, and each sees what it wrote', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 3 }), async (writers, slowness) => {
        const shared = new MemoryTable();
        const one = () =>
          updateItem(
            shared,
            KEY,
            async (current) => {
              for (let turn = 0; turn < slowness; turn++) await Promise.resolve();
              return increment(current);
            },
            { maxAttempts: Number.POSITIVE_INFINITY },
          );
        const seen = (await Promise.all(Array.from({ length: writers }, one))).map(({ data }) => data.count);
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: writers }, (_, i) => i + 1));
      }),
    );
  });

  test('reads and decides again after a lost race, five times in all, then fails', async () => {
    let decisions = 0;
    const losing = (current: Item<Counter> | undefined) => {
      table.interfere(++decisions);
      return increment(current);
    };
    const failure = await updateItem(table, KEY, losing).catch((error: unknown) => error);
    expect(decisions).toBe(5);
    expect(isDomainError(failure, 'CONDITION_FAILED')).toBe(true);
    expect(failure).toMatchObject({
      message: expect.stringContaining('changed 5 times in a row'),
      cause: expect.any(ConditionFailed),
    });
  });

  test("fails with the caller's own error after its own number of attempts", async () => {
    const contended = (cause: ConditionFailed) => new Error('busy', { cause });
    const losing = (current: Item<Counter> | undefined) => {
      table.interfere(1);
      return increment(current);
    };
    const attempt = updateItem(table, KEY, losing, { maxAttempts: 2, contended });
    await expect(attempt).rejects.toThrow('busy');
    expect(table.transactions).toBe(2);
  });

  test('does not retry what decide throws', async () => {
    let decisions = 0;
    const refusing = (): never => {
      decisions++;
      throw new Error('refused');
    };
    await expect(updateItem(table, KEY, refusing)).rejects.toThrow('refused');
    expect(decisions).toBe(1);
  });

  test('does not retry a failed condition of `also`: it fails with its index there, or with the refusal', async () => {
    await table.transact([put({ ...OTHER, version: 1, data: {} })]);
    const also: readonly Write[] = [
      { check: { pk: 'a', sk: 'b' }, if: 'absent' },
      { check: OTHER, if: 'absent' },
    ];
    const plain = updateItem(table, KEY, (current) => ({ ...increment(current), also }));
    await expect(plain).rejects.toMatchObject({ code: 'CONDITION_FAILED', failed: [1] });
    const refusal = (failed: readonly number[]) => new Error(`refused ${failed}`);
    const refused = updateItem(table, KEY, (current) => ({ ...increment(current), also, refusal }));
    await expect(refused).rejects.toThrow('refused 1');
    expect(await table.get(KEY)).toBeUndefined();
  });

  test('decides again if the basis of the decision has changed, although the item has not', async () => {
    let decisions = 0;
    const update = async (current: Item<Counter> | undefined) => {
      const other = await table.get(OTHER);
      if (++decisions === 1) await table.transact([put({ ...OTHER, version: 1, data: {} })]);
      const basis = [{ check: OTHER, if: other ? { version: other.version } : ('absent' as const) }];
      return { ...increment(current), basis, also: [{ check: { pk: 'a', sk: 'b' }, if: 'absent' } as const] };
    };
    expect(await updateItem(table, KEY, update)).toMatchObject({ version: 1, data: { count: 1 } });
    expect(decisions).toBe(2);
  });

  test('decides again if the item and a condition of `also` both changed', async () => {
    let decisions = 0;
    const update = (current: Item<Counter> | undefined) => {
      if (++decisions === 1) {
        table.interfere(10);
        table.items.set('other/one', { ...OTHER, version: 1, data: {} });
      } else {
        table.items.delete('other/one');
      }
      return { ...increment(current), also: [{ check: OTHER, if: 'absent' } as const] };
    };
    expect(await updateItem(table, KEY, update)).toMatchObject({ version: 2, data: { count: 11 } });
  });
});
