import { closeSync, openSync } from 'node:fs';
import { copyFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { devNull } from 'node:os';
import { LARGEST_LOG_BYTES } from '../../rotating-file.ts';

/**
 * Opens a log for appending, readable by its owner only, for a process that writes it directly. If it cannot be opened (the
 * disk is full), output is discarded: a process without a log is better than none.
 */
export function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch {
    return openSync(devNull, 'a');
  }
}

export function closeLog(fd: number): void {
  closeSync(fd);
}

/**
 * Rotates a log that is larger than `largestBytes`. Keeps two old files, `.1` and `.2`. Copies and truncates, because
 * a process holds the file open (O_APPEND, so it continues at its new end). Lines written between the two steps are lost. On
 * a full disk the log stays as it is.
 * @param largestBytes @default 10 MB
 */
export async function rotateLog(path: string, largestBytes = LARGEST_LOG_BYTES): Promise<void> {
  if ((await sizeOf(path)) <= largestBytes) return;
  const copy = `${path}.1`;
  try {
    if ((await sizeOf(copy)) > 0) await rename(copy, `${path}.2`);
    await copyFile(path, copy);
    await truncate(path);
  } catch {
    await rm(copy, { force: true });
  }
}

/** 0 for a file that does not exist. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
