import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load-client.ts';
import { outputOf } from './scratch.ts';

export const ROOT = join(import.meta.dirname, '..');
const LOAD_CLIENT = join(import.meta.dirname, 'load-client.ts');
/** USER_HZ, which Linux has fixed for programs to read. */
const TICKS_PER_SECOND = 100;

interface Cores {
  /** Of what is measured. */
  readonly server: string;
  /** Of the load, and of all else. */
  readonly load: string;
  readonly all: string;
}

/** Undefined where there is no taskset or only one core: everything runs where it likes then. */
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
  const line = CORES ? ['taskset', '-c', CORES[core], ...command] : command;
  return [line[0] as string, line.slice(1)];
}

/**
 * While `work` runs, these processes, all their threads and whatever they start have the server's core to themselves, as
 * far as the rest of their platform goes: that moves to the load's.
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

/** All threads; a process that has ended meanwhile is none of our business. */
function pin(pid: number, cores: string): void {
  spawnSync('taskset', ['-a', '-cp', cores, String(pid)]);
}

/** Where each thread of a process may run. */
function coresOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(
    (thread) =>
      /^Cpus_allowed_list:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))?.[1] ?? '',
  );
}

export async function offer(order: LoadOrder): Promise<LoadResult> {
  const [command, args] = onCore('load', [process.execPath, LOAD_CLIENT, JSON.stringify(order)]);
  return JSON.parse(await outputOf(command, args)) as LoadResult;
}

/** Throws unless every answer had status 200: a fast refusal is no throughput. */
export function allServed({ statuses, requestsPerSecond }: LoadResult): number {
  const others = Object.keys(statuses).filter((status) => status !== '200');
  if (others.length > 0 || requestsPerSecond === 0)
    throw new Error(`the load was not served: ${JSON.stringify(statuses)}`);
  return requestsPerSecond;
}

/** Proportional set size in bytes: private memory, and the process's share of what it shares. Linux only. */
export function pssOf(pid: number): number {
  const file = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(file)) return Number.NaN;
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]) * 1024;
}

/** User and system time of these processes so far, all threads; one that has ended counts for nothing. */
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

/** A process and everything below it. */
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
