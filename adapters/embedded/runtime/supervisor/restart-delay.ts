import { type BackOff, backOffMs } from '../../../../core/retry/back-off.ts';

/** Waits between restarts of a task or an agent. */
export const RESTART_BACK_OFF: BackOff = { baseMs: 250, maxMs: 15_000 };

/**
 * Milliseconds to wait before a restart: none after the first failure, so that a single crash costs no time, then
 * exponential.
 * @param failures failures in a row; at least 1
 * @param chance in [0, 1)
 */
export function restartDelayMs(failures: number, chance: number): number {
  return failures <= 1 ? 0 : backOffMs(failures - 1, RESTART_BACK_OFF, chance);
}
