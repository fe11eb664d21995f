import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defined } from '../../../core/defined.ts';
import { type Json, type Put, put, type Query, type Table } from '../../../core/ports/table.ts';
import { MAX_WRITES } from '../../../core/ports/table-rules.ts';

/**
 * The order, the filters and the pages of a Table's queries.
 *
 * @param partition returns a new partition, so that each test has its own
 * @param smallestPage of a partition with 1,200 items
 */
export function queryContract(table: () => Table, partition: () => string, smallestPage = 7): void {
  test('orders sort keys by their UTF-8 bytes, in both directions', async () => {
    const pk = partition();
    const ordered = ['A', 'B', 'a', 'a ', 'a#', 'aa', 'é', '\ud7ff', '\ue000', '\uffee', '😀'];
    await table().transact(ordered.toReversed().map((sk) => putAt(pk, sk, 1)));
    expect(await keysOf(table(), { pk, limit: 100 })).toEqual(ordered);
    expect(await keysOf(table(), { pk, limit: 100, descending: true })).toEqual(ordered.toReversed());
  });

  test('filters by prefix, whatever its last character', async () => {
    const pk = partition();
    const keys = ['a', 'a\ud7ffx', 'a\ue000', 'a😀', `b\u{10ffff}`, `b\u{10ffff}x`, 'c', '%', '_'];
    await table().transact(keys.map((sk) => putAt(pk, sk, 1)));
    for (const prefix of ['a', 'a\ud7ff', 'a😀', 'b\u{10ffff}', 'b', '%', 'none', '']) {
      const expected = keys.filter((key) => key.startsWith(prefix)).sort(byUtf8);
      expect(await keysOf(table(), { pk, prefix, limit: 100 })).toEqual(expected);
      expect(await keysOf(table(), { pk, prefix, limit: 100, descending: true })).toEqual(expected.toReversed());
    }
  });

  test('starts after any key, even one that does not exist or is outside the prefix', async () => {
    const pk = partition();
    await table().transact(['a1', 'b1', 'b3', 'c1'].map((sk) => putAt(pk, sk, 1)));
    expect(await keysOf(table(), { pk, after: 'b2', limit: 10 })).toEqual(['b3', 'c1']);
    expect(await keysOf(table(), { pk, after: 'b2', limit: 10, descending: true })).toEqual(['b1', 'a1']);
    expect(await keysOf(table(), { pk, prefix: 'b', after: 'a', limit: 10 })).toEqual(['b1', 'b3']);
    expect(await keysOf(table(), { pk, prefix: 'b', after: 'c', limit: 10 })).toEqual([]);
    expect(await keysOf(table(), { pk, prefix: 'b', after: 'c', limit: 10, descending: true })).toEqual(['b3', 'b1']);
    expect(await keysOf(table(), { pk, prefix: 'b', after: 'a', limit: 10, descending: true })).toEqual([]);
  });

  test('returns a next page only if there are more items', async () => {
    const pk = partition();
    await table().transact(['a', 'b'].map((sk) => putAt(pk, sk, 1)));
    expect((await table().query({ pk, limit: 1 })).next).toBe('a');
    expect((await table().query({ pk, limit: 2 })).next).toBeUndefined();
    expect((await table().query({ pk, limit: 1, after: 'a' })).next).toBeUndefined();
  });

  test('pages over 1,200 items without loss or repetition, at any page size, by table and by index', async () => {
    const pk = partition();
    const keys = Array.from({ length: 1200 }, (_, i) => `${'xyz'[i % 3]}${(i * 7919) % 1200}`);
    for (let i = 0; i < keys.length; i += MAX_WRITES) {
      const batch = keys.slice(i, i + MAX_WRITES);
      await table().transact(
        batch.map((sk) => put({ pk, sk, version: 1, data: {}, indexes: { g2: { pk, sk: `by-${sk}` } } })),
      );
    }
    const cases = fc.record({
      limit: fc.integer({ min: smallestPage, max: 1000 }),
      prefix: fc.constantFrom('', 'x', 'y1', 'none'),
      descending: fc.boolean(),
      indexed: fc.boolean(),
    });
    const pages = fc.asyncProperty(cases, async ({ limit, prefix, descending, indexed }) => {
      const query = indexed
        ? ({ pk, index: 'g2', prefix: `by-${prefix}`, limit, descending } as const)
        : { pk, prefix, limit, descending };
      const expected = keys.filter((key) => key.startsWith(prefix)).sort(byUtf8);
      expect(await allKeysOf(table(), query)).toEqual(descending ? expected.toReversed() : expected);
    });
    await fc.assert(pages, { numRuns: 25 });
    // Some 1,000 queries, on a machine that may be busy.
  }, 120_000);
}

export function putAt(pk: string, sk: string, version: number, data: { [key: string]: Json } = {}): Put {
  return put({ pk, sk, version, data });
}

function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export async function keysOf(table: Table, query: Query): Promise<string[]> {
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
