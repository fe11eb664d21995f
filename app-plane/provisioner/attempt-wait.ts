import { remainingMs } from '../../core/retry/back-off.ts';
import { BACK_OFF } from './failures.ts';
import type { Placement, PlacementPatch } from './placement.ts';

/** The part of a placement that makes a tenant wait for its next attempt. */
export function waitFor(waitMs: number, now: number): Pick<PlacementPatch, 'nextAttemptAt' | 'waitMs'> {
  return { nextAttemptAt: now + waitMs, waitMs };
}

/**
 * Milliseconds until the next attempt is due. If more remains than the whole wait, the system clock was set back after the
 * wait began, and the attempt is due at once.
 */
export function remainingWaitMs({ nextAttemptAt = 0, waitMs = BACK_OFF.maxMs }: Placement, now: number): number {
  return remainingMs(nextAttemptAt, now, waitMs);
}
