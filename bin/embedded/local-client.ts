import { readFileSync } from 'node:fs';
import { POOL_UID } from '../../adapters/embedded/supervisor/isolation.ts';

/** Uids of tasks begin at the pool's; people's are not expected among the next million. */
const LAST_TASK_UID = POOL_UID + 999_999;
const ESTABLISHED = '01';
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Whether the connection that begins at this port of this machine is a task's: tenants' code runs there, and what the
 * machine's own people may see is not for it. Tells nothing where tasks run under our own uid, or without `/proc`.
 */
export function isTask(port: number): boolean {
  const uid = TABLES.map((table) => ownerOf(port, table)).find((found) => found !== undefined);
  return uid !== undefined && uid >= POOL_UID && uid <= LAST_TASK_UID;
}

/** Columns of the kernel's table: number, local address and port, remote ones, state, queues, timers, retries, uid. */
function ownerOf(port: number, table: string): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of linesOf(table)) {
    const columns = line.trim().split(/\s+/);
    if (columns[3] === ESTABLISHED && columns[1]?.endsWith(suffix)) return Number(columns[7]);
  }
  return undefined;
}

function linesOf(table: string): string[] {
  try {
    return readFileSync(table, 'utf8').split('\n');
  } catch {
    return [];
  }
}
