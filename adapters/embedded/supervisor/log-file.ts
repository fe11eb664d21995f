import { closeSync, copyFileSync, fstatSync, openSync, renameSync, statSync, truncateSync } from 'node:fs';

const LARGEST_BYTES = 10 * 2 ** 20;

/** Opens a log for appending, readable by its owner alone, and rotates it where it is over 10 MB. */
export function openLog(path: string): number {
  const fd = openSync(path, 'a', 0o600);
  if (fstatSync(fd).size > LARGEST_BYTES) rotateLog(path);
  return fd;
}

export function closeLog(fd: number): void {
  closeSync(fd);
}

/**
 * Keeps two old files, `.1` and `.2`. Copies and truncates, because tasks hold the file open (O_APPEND, so they go on
 * at its new end); lines written between the two steps are lost.
 * @param largestBytes @default 10 MB
 */
export function rotateLog(path: string, largestBytes = LARGEST_BYTES): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= largestBytes) return;
  if (statSync(`${path}.1`, { throwIfNoEntry: false })) renameSync(`${path}.1`, `${path}.2`);
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}
