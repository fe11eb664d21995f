import { readFileSync } from 'node:fs';

/**
 * Files, sockets and connections that a process of the platform may have open at least. The gateway needs most: up to 128
 * connections to each busy task, and one for each client.
 */
export const NEEDED_OPEN_FILES = 1_024;
/** Files that the gateway reserves for itself and for its connections to the platform and to tasks. */
const GATEWAY_RESERVE = 512;

/**
 * How many files this process may have open: the hard limit of `ulimit -n`, because Node raises its own limit to it.
 * @param limits what the kernel reports about this process. @default - reads /proc/self/limits
 * @returns undefined where the system does not say, such as on macOS
 */
export function openFilesLimit(limits = readLimits()): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Says what is needed if a process may have `limit` files open; undefined if that is enough. */
export function openFilesShortage(limit = openFilesLimit()): string | undefined {
  if (limit === undefined || limit >= NEEDED_OPEN_FILES) return undefined;
  return `a process may have ${limit} files open, but the platform needs at least ${NEEDED_OPEN_FILES}: raise the limit with 'ulimit -n 4096' in the shell that starts it, or LimitNOFILE=4096 in its systemd unit`;
}

/** Connections of clients that fit into the limit, at most `desired`. */
export function clientConnectionsWithin(desired: number, limit = openFilesLimit()): number {
  if (limit === undefined) return desired;
  return Math.max(GATEWAY_RESERVE, Math.min(desired, limit - GATEWAY_RESERVE));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
