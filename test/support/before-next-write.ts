import type { Table, Write } from '../../core/ports/table.ts';

/**
 * Runs `change` right before the table's next transaction, as if another request came in between.
 * @param counts whether a transaction is one that the change comes before. @default - every one is
 */
export function beforeNextWrite(
  table: Table,
  change: () => Promise<unknown>,
  counts: (writes: readonly Write[]) => boolean = () => true,
): void {
  const transact = table.transact.bind(table);
  table.transact = async (writes) => {
    if (!counts(writes)) return transact(writes);
    table.transact = transact;
    await change();
    await transact(writes);
  };
}
