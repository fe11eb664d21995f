import type { RandomBytes } from '../ports/clock.ts';

/** How long to wait between attempts. */
export interface BackOff {
  /** Longest wait after the first failed attempt, in ms. It doubles with each further one. */
  readonly baseMs: number;
  /** The doubling stops here, in ms. */
  readonly maxMs: number;
}

/**
 * Milliseconds to wait after the n-th failed attempt: exponential back-off with equal jitter. Half of the wait is
 * fixed; chance decides the other half, so that clients which failed together do not retry together.
 * @param attempt failed attempts so far; at least 1
 * @param chance in [0, 1); see `chanceOf`
 * @returns a value in (ceiling / 2, ceiling], where ceiling is min(maxMs, baseMs * 2^(attempt - 1))
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backOffMs(attempt: number, { baseMs, maxMs }: BackOff, chance: number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
  return ceiling * (1 - chance / 2);
}

/** A number in [0, 1), with a resolution of 1/256. */
export function chanceOf(random: RandomBytes): number {
  return (random(1)[0] ?? 0) / 256;
}

/**
 * Milliseconds from `now` until `dueAt`, never negative.
 * No wait is longer than `maxMs`. If more than that remains, the system clock was set back after the wait began, and
 * the attempt is due at once.
 * @param dueAt epoch ms
 * @param now epoch ms
 */
export function remainingMs(dueAt: number, now: number, maxMs: number): number {
  const remaining = dueAt - now;
  return remaining > maxMs ? 0 : Math.max(0, remaining);
}
