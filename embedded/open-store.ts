import { openTable, type SqliteTable } from '../adapters/embedded/store/table.ts';
import { prepareRunDir } from './data-dir.ts';
import { instanceOf } from './instance.ts';
import type { StartContext } from './start-context.ts';

export interface PlatformStore {
  /** The platform's table: control plane, placements, identity, outbox. */
  readonly table: SqliteTable;
  /** Marks the processes of this data directory. */
  readonly instance: string;
  /** Path of the directory for Unix sockets. */
  readonly runDir: string;
}

/** Opens what the platform keeps in the data directory. */
export function openStore({ dir, clock, cleanUp }: StartContext): PlatformStore {
  const table = openTable({ file: dir.platformDb, clock });
  cleanUp.defer(() => table.close());
  const instance = instanceOf(dir);
  const runDir = prepareRunDir(dir);
  cleanUp.defer(() => runDir.remove());
  return { table, instance, runDir: runDir.path };
}
