import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { POOL_UID } from '../adapters/embedded/runtime/supervisor/isolation.ts';

/** User ids of tasks begin at POOL_UID. The next million must not belong to users of the machine. */
const LAST_TASK_UID = POOL_UID + 999_999;
const ESTABLISHED = '01';
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Whether a request comes from a person at this machine, by the headers that the gateway set: the host that the gateway
 * and the browser see must be a loopback name (a page of another site can resolve its name to this machine, but cannot
 * change the name), no proxy may have forwarded the request, and it must not come from a tenant's task.
 */
export function isLocal(headers: IncomingHttpHeaders): boolean {
  const hosts = [headers['x-forwarded-host'], headers.host];
  // If a proxy forwarded the request, the gateway adds its address here, so this is more than one address.
  const client = String(headers['x-forwarded-for'] ?? '');
  return (
    hosts.every((host) => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(String(host))) &&
    /^(127\.[\d.]+|::1|::ffff:127\.[\d.]+)$/.test(client) &&
    !isTask(Number(headers['x-tierplane-client-port']))
  );
}

/**
 * Whether the connection from this local port belongs to a task. Tasks run tenants' code, which must not see what users
 * at this machine may see. Always false if tasks share the platform's user id, or without `/proc`.
 */
function isTask(port: number): boolean {
  const uid = TABLES.map((table) => ownerOf(port, table)).find((found) => found !== undefined);
  return uid !== undefined && uid >= POOL_UID && uid <= LAST_TASK_UID;
}

/** Columns of the kernel's table: number, local address, remote address, state, queues, timer, retransmits, uid. */
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
