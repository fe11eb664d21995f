import type { Table, Write } from '../../../core/ports/table.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { openScratchTable } from '../../support/scratch-table.ts';

/** A table that a test can make fail, and whose committed transactions it sees. */
export interface ObservedTable extends Table {
  failing: boolean;
  readonly transactions: (readonly Write[])[];
}

export interface ObservedScratch {
  readonly table: ObservedTable;
  readonly clock: ManualClock;
  close(): Promise<void>;
}

export async function openObservedTable(unavailable: () => Error): Promise<ObservedScratch> {
  const { table: inner, clock, close } = await openScratchTable();
  const table: ObservedTable = {
    failing: false,
    transactions: [],
    get: (key) => inner.get(key),
    query: (query) => inner.query(query),
    async transact(writes) {
      if (table.failing) throw unavailable();
      await inner.transact(writes);
      table.transactions.push(writes);
    },
  };
  return { table, clock, close };
}
