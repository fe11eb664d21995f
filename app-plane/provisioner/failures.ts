import { DomainError, type ErrorCode, isDomainError } from '../../core/errors.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';

/** What no repetition cures: the wish itself cannot be met. Everything else may pass, and is tried again. */
const TERMINAL: readonly ErrorCode[] = [
  'INVALID',
  'CONFLICT',
  'FORBIDDEN',
  'ACCESS_DENIED',
  'TOO_LARGE',
  'CONFIG',
  'CORRUPT',
];

export function isTerminal(error: unknown): boolean {
  return isDomainError(error) && TERMINAL.includes(error.code);
}

/** What an operator can do something about. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many open files',
  ENOMEM: 'the machine is out of memory',
  EAGAIN: 'the machine has no room for another process',
};

/** In plain words. Only the domain's own messages are fit for people; of others no more than what their code means. */
export function reasonOf(error: unknown): string {
  if (isDomainError(error)) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return 'unexpected error, see the log';
  const words = SYSTEM_WORDS[code];
  return words ? `${words} (${code})` : `unexpected error ${code}`;
}

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Milliseconds to wait after the n-th failed attempt (from 1): doubling, at most 30 s, less up to half by chance. */
export function backOffMs(attempts: number, random: RandomBytes): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 16));
  const [chance = 0] = random(1);
  return Math.round(ceiling * (1 - chance / 512));
}

/**
 * Milliseconds from `now` until a try that was put off to `at`, both epoch ms. No try is put off for longer than 30 s:
 * where more is left, the clock was set back, and the try is due.
 */
export function leftMs(at: number, now: number): number {
  const left = at - now;
  return left > LONGEST_MS ? 0 : Math.max(0, left);
}

/** Bounds work that might never answer. @throws UNAVAILABLE naming `what` after `ms` */
export async function within<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(ms, () =>
    late.reject(new DomainError('UNAVAILABLE', `${what} did not end within ${ms} ms`)),
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
  }
}
