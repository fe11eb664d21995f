import type { Table } from '../ports/table.ts';
import { MAX_WRITES } from '../ports/table-rules.ts';

/**
 * Deletes every item of partition `pk`, or those whose sort key begins with `prefix`, also past the first page.
 * Resolves with how many there were. Not one transaction: after a failure, call it again.
 */
export async function deleteAll(table: Table, pk: string, prefix?: string): Promise<number> {
  for (let total = 0; ; ) {
    const { items, next } = await table.query({ pk, prefix, limit: MAX_WRITES });
    await table.transact(items.map((item) => ({ delete: { pk: item.pk, sk: item.sk } })));
    total += items.length;
    if (next === undefined) return total;
  }
}
