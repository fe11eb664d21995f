import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load-client.ts';
import { outputOf } from './scratch.ts';

export const ROOT = join(import.meta.dirname, '..');
const LOAD_CLIENT = join(import.meta.dirname, 'load-client.ts');
/** USER_HZ, which is 100 for programs on Linux. */
const TICKS_PER_SECOND = 100;

interface Cores {
  /** The core of the measured processes. */
  readonly server: string;
  /** The core of the load generator and of all other processes. */
  readonly load: string;
  readonly all: string;
}

/** Undefined without taskset or with a single core; processes are not pinned then. */
export const CORES: Cores | undefined = (() => {
  if (spawnSync('taskset', ['-V']).status !== 0) return undefined;
  const all = /^Cpus_allowed_list:\s+(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [server, load] = all.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, n) => String(first + n));
  });
  return server === undefined || load === undefined ? undefined : { server, load, all };
})();

/** The command line that runs `command` on one core. */
export function onCore(core: 'server' | 'load', command: readonly string[]): [string, string[]] {
  const commandLine = CORES ? ['taskset', '-c', CORES[core], ...command] : command;
  return [commandLine[0] as string, commandLine.slice(1)];
}

/**
 * Runs `work` while the `server` processes, with their threads and children, have the server core to themselves. The `rest`
 * of the platform moves to the load core meanwhile.
 */
export async function withServerCore<T>(
  server: readonly number[],
  rest: readonly number[],
  work: () => Promise<T>,
): Promise<T> {
  if (!CORES) return work();
  const { all } = CORES;
  for (const pid of rest) pin(pid, CORES.load);
  try {
    for (const pid of server) {
      pin(pid, CORES.server);
      if (coresOf(pid).some((core) => core !== CORES?.server)) throw new Error(`process ${pid} cannot be pinned`);
    }
    return await work();
  } finally {
    for (const pid of [...rest, ...server]) pin(pid, all);
  }
}

/** Pins all threads of a process. A process that has ended is ignored. */
function pin(pid: number, cores: string): void {
  spawnSync('taskset', ['-a', '-cp', cores, String(pid)]);
}

/** The cores that each thread of a process may run on. */
function coresOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(
    (thread) =>
      /^Cpus_allowed_list:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))?.[1] ?? '',
  );
}

/** Generates load in a separate process, on the load core. */
export async function generateLoad(order: LoadOrder): Promise<LoadResult> {
  const [command, args] = onCore('load', [process.execPath, LOAD_CLIENT, JSON.stringify(order)]);
  return JSON.parse(await outputOf(command, args)) as LoadResult;
}

/** Requests per second. @throws if any response had another status than 200: fast errors are not throughput */
export function servedPerSecond({ statuses, requestsPerSecond }: LoadResult): number {
  const others = Object.keys(statuses).filter((status) => status !== '200');
  if (others.length > 0 || requestsPerSecond === 0)
    throw new Error(`the load was not served: ${JSON.stringify(statuses)}`);
  return requestsPerSecond;
}

/** The proportional set size in bytes: private memory plus the process's share of shared memory. Linux only. */
export function pssOf(pid: number): number {
  const file = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(file)) return Number.NaN;
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]) * 1024;
}

/** The user and system time of these processes so far. Processes that have ended do not count. */
export function cpuSecondsOf(pids: readonly number[]): number {
  const ticks = pids.flatMap((pid) => {
    const stat = textOf(`/proc/${pid}/stat`);
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_SECOND;
}

/** The pids of a process and of its descendants. */
export function treeOf(pid: number): number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(treeOf)];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
