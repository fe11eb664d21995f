import { readFileSync } from 'node:fs';
import { isDomainError } from '../core/errors.ts';
import { type DataDir, readJson } from './data-dir.ts';

export interface Urls {
  /** The front door: start page, sign-in, everything. */
  readonly publicUrl: string;
  readonly controlPlane: string;
  /** The tenants' API. */
  readonly api: string;
  readonly openapi: string;
}

/** What a running platform leaves in its data directory for the other commands. */
export interface Running {
  readonly pid: number;
  /** Start time of the process in clock ticks since boot (/proc/<pid>/stat), so that a reused pid is not taken for it. */
  readonly startTicks: string;
  readonly startedAt: string;
  readonly urls: Urls;
}

/** Field 22 of /proc/<pid>/stat; '' where there is no such process, it has ended and waits to be reaped, or no /proc. */
export function startTicksOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? '' : (rest[18] ?? '');
  } catch {
    return '';
  }
}

export function isAlive(running: Pick<Running, 'pid' | 'startTicks'>): boolean {
  try {
    process.kill(running.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return startTicksOf(running.pid) === running.startTicks;
}

/** The platform that runs in this data directory, or undefined; also where what it left to be found is damaged. */
export function findRunning(dir: DataDir): Running | undefined {
  try {
    const running = readJson<Running>(dir.running);
    return running && isAlive(running) ? running : undefined;
  } catch (error) {
    if (isDomainError(error, 'CORRUPT')) return undefined;
    throw error;
  }
}
