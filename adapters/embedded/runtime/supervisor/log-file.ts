import { closeSync, copyFileSync, fstatSync, openSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { devNull } from 'node:os';

const LARGEST_BYTES = 10 * 2 ** 20;

/**
 * Opens a log for appending, readable by its owner only, and rotates it if it is larger than 10 MB. If it cannot be opened
 * (the disk is full), output is discarded: a process without a log is better than none.
 */
export function openLog(path: string): number {
  try {
    const fd = openSync(path, 'a', 0o600);
    if (fstatSync(fd).size > LARGEST_BYTES) rotateLog(path);
    return fd;
  } catch {
    return openSync(devNull, 'a');
  }
}

export function closeLog(fd: number): void {
  closeSync(fd);
}

/**
 * Rotates a log that is larger than `largestBytes`. Keeps two old files, `.1` and `.2`. Copies and truncates, because
 * tasks hold the file open (O_APPEND, so they continue at its new end). Lines written between the two steps are lost. On
 * a full disk the log stays as it is.
 * @param largestBytes @default 10 MB
 */
export function rotateLog(path: string, largestBytes = LARGEST_BYTES): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= largestBytes) return;
  const copy = `${path}.1`;
  try {
    if (statSync(copy, { throwIfNoEntry: false })) renameSync(copy, `${path}.2`);
    copyFileSync(path, copy);
    truncateSync(path);
  } catch {
    rmSync(copy, { force: true });
  }
}
