import { DomainError, type ErrorCode, isDomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { BackOff } from '../../core/retry/back-off.ts';
import { withTimeout } from '../../core/time/wait.ts';

/** Errors that a retry cannot resolve, because the request itself cannot be fulfilled. Every other error is retried. */
const TERMINAL: readonly ErrorCode[] = [
  'INVALID',
  'CONFLICT',
  'FORBIDDEN',
  'ACCESS_DENIED',
  'TOO_LARGE',
  'FAILED',
  'CONFIG',
  'CORRUPT',
];

export function isTerminal(error: unknown): boolean {
  return isDomainError(error) && TERMINAL.includes(error.code);
}

/** System errors that an operator can act on. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many open files',
  ENOMEM: 'the machine is out of memory',
  EAGAIN: 'the machine has no room for another process',
};

/** The reason in plain words. Shows the message of a DomainError, and only the meaning of the code of any other error. */
export function reasonOf(error: unknown): string {
  if (isDomainError(error)) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return 'unexpected error, see the log';
  const meaning = SYSTEM_ERRORS[code];
  return meaning ? `${meaning} (${code})` : `unexpected error ${code}`;
}

/** Waits between attempts at a tenant. */
export const BACK_OFF: BackOff = { baseMs: 500, maxMs: 30_000 };

/** Bounds a step that may never end. Throws UNAVAILABLE that names `what` after `ms`. */
export function within<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  return withTimeout(clock, ms, work, () => {
    throw new DomainError('UNAVAILABLE', `${what} did not end within ${ms} ms`);
  });
}
