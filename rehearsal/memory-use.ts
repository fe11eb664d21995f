import { readdirSync, readFileSync } from 'node:fs';
import { containersFolder } from './account-files.ts';
import type { EmulatedAccount } from './emulated-account.ts';

/** Follows how much memory a rehearsal uses, from the call that returns it. */
export interface MemoryWatch {
  /** The most memory that all processes used at one time, in bytes. Pages that processes share count once. */
  peakBytes(): number;
  stop(): void;
}

const EVERY_MS = 2_000;

/**
 * Watches this process and everything that runs for the account: the emulator, its functions, the container engine of its
 * own, its containers, and the scripts. They are found by the account's addresses and folders in their environment or
 * arguments. Linux only; elsewhere the peak is 0.
 */
export function watchMemory({ port, directory }: Pick<EmulatedAccount, 'port' | 'directory'>): MemoryWatch {
  const marks = [`127.0.0.1:${port}`, `169.254.170.2:${port}`, directory, containersFolder(directory)];
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, memoryOf(marks));
  };
  look();
  const timer = setInterval(look, EVERY_MS).unref();
  return { peakBytes: () => peak, stop: () => clearInterval(timer) };
}

/** The memory of this process and of those with one of the marks, in bytes. */
function memoryOf(marks: readonly string[]): number {
  const isMarked = (pid: string): boolean => {
    const text = `${read(`/proc/${pid}/environ`)}\0${read(`/proc/${pid}/cmdline`)}`;
    return marks.some((mark) => text.includes(mark));
  };
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  const ours = pids.filter((pid) => Number(pid) === process.pid || isMarked(pid));
  // The proportional set size: what is shared by n processes counts to one n-th for each.
  const sizes = ours.map((pid) => Number(/^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0));
  return sizes.reduce((sum, kilobytes) => sum + kilobytes, 0) * 1024;
}

/** Empty for a process that has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
