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
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, second field, may hold spaces and brackets; the start time is the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${bootId()}/${fields[19]}`;
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
  try {
    const kib = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

/** Sends SIGKILL to a process, or to a group if `pid` is negative. Does nothing if it has already ended. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
