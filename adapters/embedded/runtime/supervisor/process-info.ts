import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, recorded so that it can be recognised later. */
export interface ProcessRecord {
  readonly pid: number;
  /** Its `startOf` at the time; undefined if it had ended. */
  readonly start: string | undefined;
}

/** Whether the recorded process still runs; not a later process with the same pid, nor one after a reboot. */
export function isAlive({ pid, start }: ProcessRecord): boolean {
  return start !== undefined && startOf(pid) === start;
}

/**
 * When a process started: opaque text that distinguishes it from a later process with the same pid. Undefined if there is no
 * such process, or if it is a zombie. On Linux it is the boot id with field 22 of /proc/<pid>/stat (clock ticks since
 * boot); elsewhere it is what `ps` reports, to the second.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return startByPs(pid);
  const fields = statOf(pid);
  return fields === undefined || fields[0] === 'Z' ? undefined : `${bootId()}/${fields[19]}`;
}

/** The pid of the parent process; undefined without /proc, or if the process has ended. */
export function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** The fields of /proc/<pid>/stat from the third on: the name, second field, may hold spaces and brackets. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

let boot: string | undefined;

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}

/** Resident memory in bytes; undefined without /proc, or if the process has ended. */
export function residentBytes(pid: number): number | undefined {
  return bytesOf(pid, [/^VmRSS:\s+(\d+) kB$/m]);
}

/** Resident memory in bytes without pages of files, which processes share; undefined as for `residentBytes`. */
export function unsharedBytes(pid: number): number | undefined {
  return bytesOf(pid, [/^RssAnon:\s+(\d+) kB$/m, /^RssShmem:\s+(\d+) kB$/m]);
}

function bytesOf(pid: number, lines: readonly RegExp[]): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = lines.map((line) => status.match(line)?.[1]);
    return kib.includes(undefined) ? undefined : kib.reduce((sum, each) => sum + Number(each), 0) * 1024;
  } catch {
    return undefined;
  }
}

/** The children of a process and their children, apart from those that have detached from it. */
export function descendantsOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return children.map(Number).flatMap((child) => [child, ...descendantsOf(child)]);
  } catch {
    return []; // it has ended, or the kernel does not list children
  }
}

/** Sends SIGKILL to a process, or to a group if `pid` is negative. Does nothing if it has ended, or may not be killed. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
