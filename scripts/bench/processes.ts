import { type ChildProcess, execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadOrder, LoadResult } from './load-client.ts';

const run = promisify(execFile);
export const ROOT = join(import.meta.dirname, '..', '..');
const LOAD_CLIENT = join(import.meta.dirname, 'load-client.ts');

/** What is measured runs on the first core, its load on the second; where there is no taskset, wherever it likes. */
export const SERVER_CORE = '0';
const LOAD_CORE = '1';
/** USER_HZ, which Linux has fixed for programs to read. */
const TICKS_PER_SECOND = 100;
const hasTaskset = spawnSync('taskset', ['-V']).status === 0;

/** The command line that runs `command` on one core. */
export function onCore(core: string, command: readonly string[]): [string, string[]] {
  const line = hasTaskset ? ['taskset', '-c', core, ...command] : command;
  return [line[0] as string, line.slice(1)];
}

/** Pins a running process and all its threads. */
export function pin(pid: number, core: string): void {
  if (hasTaskset) spawnSync('taskset', ['-a', '-cp', core, String(pid)]);
}

export async function offer(order: LoadOrder): Promise<LoadResult> {
  const [command, args] = onCore(LOAD_CORE, [process.execPath, LOAD_CLIENT, JSON.stringify(order)]);
  const { stdout } = await run(command, args);
  return JSON.parse(stdout) as LoadResult;
}

/** Throws unless every answer had status 200: a fast refusal is no throughput. */
export function allServed({ statuses, requestsPerSecond }: LoadResult): number {
  const others = Object.keys(statuses).filter((status) => status !== '200');
  if (others.length > 0) throw new Error(`the load was not served: ${JSON.stringify(statuses)}`);
  return requestsPerSecond;
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Proportional set size in bytes: private memory, and the process's share of what it shares. Linux only. */
export function pssOf(pid: number): number {
  const file = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(file)) return Number.NaN;
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]) * 1024;
}

/** User and system time of these processes so far. */
export function cpuSecondsOf(pids: readonly number[]): number {
  const ticks = pids.flatMap((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
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
  const children = (() => {
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  })();
  return [pid, ...children.flatMap(treeOf)];
}
