import { basename } from 'node:path';
import { DomainError } from '../../../core/errors.ts';

/** SQLite's primary result codes. @see https://sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** SQLite's primary result code; undefined for an error of another kind. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Whether SQLite's error means that another process, or another connection of this one, holds the lock. */
export function isLock(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** Whether a DomainError of the store means that another process holds the lock. */
export function isLocked(error: unknown): boolean {
  return error instanceof DomainError && isLock(error.cause);
}

/** The error for a file that SQLite cannot read as a database. */
export function damaged(file: string, cause: unknown): DomainError {
  return new DomainError(
    'CORRUPT',
    `${file} is damaged and was not changed; move it away together with its -wal and -shm files, then restore a backup or try 'sqlite3 ${file} .recover'`,
    { cause },
  );
}

/** SQLite's error as a DomainError; any other error as it is. */
export function translate(error: unknown, file: string): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  if (code === CORRUPT || code === NOT_A_DATABASE) return damaged(file, error);
  const reason = code === FULL ? 'the disk is full' : ((error as { errstr?: string }).errstr ?? 'SQLite failed');
  // Clients may see this message, so it names the file without its folder.
  return new DomainError('UNAVAILABLE', `${basename(file)}: ${reason}`, { cause: error });
}
