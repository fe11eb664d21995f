import { put, type Table } from '../../core/ports/table.ts';

/** Lets promises whose work is done continue. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits for work in the background that began before, if it uses `table` at most three times. */
export async function afterBackgroundWork(table: Table): Promise<void> {
  for (let i = 0; i < 3; i++) await table.transact([put({ pk: 'background-work', sk: 'ends', version: 1, data: {} })]);
  await nextTurn();
}
