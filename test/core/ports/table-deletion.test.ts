import { expect, test } from '@jest/globals';
import type { Query, Table, Write } from '../../../core/ports/table.ts';
import { deleteAll, transactInGroups } from '../../../core/ports/table-deletion.ts';

/** A table that holds these sort keys in one partition, and records its transactions as lists of sort keys. */
function recordingTable(keys: string[] = []) {
  const transactions: string[][] = [];
  const table: Pick<Table, 'query' | 'transact'> = {
    async query({ pk, limit }: Query) {
      const items = keys.slice(0, limit).map((sk) => ({ pk, sk, version: 1, data: {}, indexes: {} }));
      return { items } as never;
    },
    async transact(writes) {
      if (transactions.length > 10) throw new Error('too many transactions');
      const deleted = writes.flatMap((write) => ('delete' in write ? [write.delete] : []));
      transactions.push(deleted.map(({ sk }) => sk));
      for (const { sk } of deleted) keys.splice(keys.indexOf(sk), 1);
    },
  };
  return { table: table as Table, transactions, keys };
}

const names = (count: number, prefix = 'k') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const deletes = (keys: string[]): Write[] => keys.map((sk) => ({ delete: { pk: 'p', sk } }));

test('ON-6: every item that the query finds is deleted, also past the first page', async () => {
  const { table, transactions, keys } = recordingTable(names(120));
  await deleteAll(table, { pk: 'p' });
  expect(keys).toEqual([]);
  expect(transactions.map((one) => one.length)).toEqual([50, 50, 20]);
});

test('a query that finds nothing deletes nothing', async () => {
  const { table, transactions } = recordingTable();
  await deleteAll(table, { pk: 'p' });
  expect(transactions).toEqual([]);
});

test('groups are committed in order, in as few transactions as possible, and none is split', async () => {
  const { table, transactions } = recordingTable();
  const groups = [names(60, 'a'), names(40, 'b'), names(1, 'c'), names(100, 'd')];
  await transactInGroups(table, groups.map(deletes));
  expect(transactions).toEqual([[...names(60, 'a'), ...names(40, 'b')], names(1, 'c'), names(100, 'd')]);
});
