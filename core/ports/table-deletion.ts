import type { Key, Query, Table, Write } from './table.ts';
import { MAX_WRITES } from './table-rules.ts';

const PAGE = 50;

/** Deletes every item that the query finds, beyond the first page too. Idempotent. */
export async function deleteAll(table: Table, query: Omit<Query, 'limit' | 'after'>): Promise<void> {
  for (;;) {
    const { items } = await table.query({ ...query, limit: PAGE });
    if (items.length === 0) return;
    await table.transact(items.map(({ pk, sk }: Key) => ({ delete: { pk, sk } })));
  }
}

/** Commits the groups in order, in as few transactions as possible. A group of up to 100 writes is never split. */
export async function transactInGroups(table: Table, groups: readonly (readonly Write[])[]): Promise<void> {
  let batch: Write[] = [];
  for (const group of groups) {
    if (batch.length + group.length > MAX_WRITES) {
      await table.transact(batch);
      batch = [];
    }
    batch.push(...group);
  }
  await table.transact(batch);
}
