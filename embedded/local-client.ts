import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { POOL_UID } from '../adapters/embedded/runtime/supervisor/isolation.ts';

/** Uids of tasks begin at the pool's; people's are not expected among the next million. */
const LAST_TASK_UID = POOL_UID + 999_999;
const ESTABLISHED = '01';
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Whether a request, by its headers, is from the one who sits at this machine: the front door's own name and the name in
 * the browser's address must be loopback ones (a page of another site can have its name point here, but not change it),
 * nobody may have passed the request on, and it may not come from a tenant's task.
 */
export function isLocal(headers: IncomingHttpHeaders): boolean {
  const hosts = [headers['x-forwarded-host'], headers.host];
  // The gateway puts a further hop before the client's address where a proxy was on the way.
  const client = String(headers['x-forwarded-for'] ?? '');
  return (
    hosts.every((host) => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(String(host))) &&
    /^(127\.[\d.]+|::1|::ffff:127\.[\d.]+)$/.test(client) &&
    !isTask(Number(headers['x-tierplane-client-port']))
  );
}

/**
 * Whether the connection that begins at this port of this machine is a task's: tenants' code runs there, and what the
 * machine's own people may see is not for it. Tells nothing where tasks run under our own uid, or without `/proc`.
 */
function isTask(port: number): boolean {
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
