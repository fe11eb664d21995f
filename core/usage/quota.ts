import type { UsagePlan } from '../tier/tiers.ts';

const DAY_MS = 86_400_000;

/** Calls of one API key on one UTC day. */
export interface DayCount {
  /** Days since 1970-01-01, UTC. */
  day: number;
  count: number;
}

/** Days since 1970-01-01, UTC. Quotas reset at 00:00 UTC. */
export function utcDay(epochMs: number): number {
  return Math.floor(epochMs / DAY_MS);
}

/**
 * Counts one call if the day's quota is not used up. Changes `used` in place, because it runs once per request. A clock
 * that was set back over midnight does not start a new day.
 *
 * @returns whether the call is admitted
 */
export function countCall(used: DayCount, { quotaPerDay }: Pick<UsagePlan, 'quotaPerDay'>, epochMs: number): boolean {
  const today = utcDay(epochMs);
  if (today > used.day) {
    used.day = today;
    used.count = 0;
  }
  if (used.count >= quotaPerDay) return false;
  used.count += 1;
  return true;
}

/** Whole seconds, at least 1, until the quota resets. */
export function secondsToReset(epochMs: number): number {
  return Math.max(1, Math.ceil((DAY_MS - (epochMs % DAY_MS)) / 1_000));
}
