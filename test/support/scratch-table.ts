import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTable, type SqliteTable } from '../../adapters/embedded/store/table.ts';
import { ManualClock } from './manual-clock.ts';

/** An empty table in a folder of its own, with a clock that the test moves. */
export async function openScratchTable(): Promise<{
  readonly table: SqliteTable;
  readonly clock: ManualClock;
  close(): Promise<void>;
}> {
  const dir = await mkdtemp(join(tmpdir(), 'tierplane-table-'));
  const clock = new ManualClock();
  const table = openTable({ file: join(dir, 'table.db'), clock });
  return {
    ...{ table, clock },
    async close() {
      await table.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
