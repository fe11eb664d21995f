import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fullBucket, giveBack, hasToken, isFull, secondsToToken, take } from '../../../core/usage/bucket.ts';
import { countCall, secondsToReset, utcDay } from '../../../core/usage/quota.ts';

const plans = fc.record({ rate: fc.integer({ min: 1, max: 1_000 }), burst: fc.integer({ min: 1, max: 1_000 }) });
/** Waits between calls, in milliseconds; the clock may also step back. */
const waits = fc.array(fc.oneof(fc.constant(0), fc.double({ min: -50, max: 500, noNaN: true })), { maxLength: 300 });

/** @returns the times at which calls were admitted */
function run(plan: { rate: number; burst: number }, gaps: readonly number[]): number[] {
  const bucket = fullBucket(plan, 0);
  const admitted: number[] = [];
  let now = 0;
  for (const gap of gaps) {
    now += gap;
    if (take(bucket, plan, now)) admitted.push(now);
  }
  return admitted;
}

describe('the token bucket', () => {
  test('gets a token back for a call that did not happen, but never holds more than its burst', () => {
    const plan = { rate: 1, burst: 2 };
    const bucket = fullBucket(plan, 0);
    giveBack(bucket, plan);
    expect(Array.from({ length: 3 }, () => take(bucket, plan, 0))).toEqual([true, true, false]);
    giveBack(bucket, plan);
    expect([take(bucket, plan, 0), take(bucket, plan, 0)]).toEqual([true, false]);
  });

  test('tells whether it would admit a call, without admitting it', () => {
    const plan = { rate: 1, burst: 1 };
    const bucket = fullBucket(plan, 0);
    expect([hasToken(bucket, plan, 0), hasToken(bucket, plan, 0)]).toEqual([true, true]);
    take(bucket, plan, 0);
    expect([999, 1_000, 1_001].map((now) => hasToken(bucket, plan, now))).toEqual([false, true, true]);
  });

  test('RT-2: admits, in any window of t seconds, at most burst + rate * t calls', () => {
    fc.assert(
      fc.property(plans, waits, (plan, gaps) => {
        const forward = gaps.map((gap) => Math.max(0, gap));
        const admitted = run(plan, forward);
        for (let from = 0; from < admitted.length; from++) {
          for (let to = from; to < admitted.length; to++) {
            const seconds = ((admitted[to] as number) - (admitted[from] as number)) / 1_000;
            if (to - from + 1 > plan.burst + plan.rate * seconds + 1e-6) return false;
          }
        }
        return true;
      }),
      { numRuns: 200 },
    );
  });

  test('admits a client that waits for a token, whatever it requested before', () => {
    fc.assert(
      fc.property(plans, waits, (plan, gaps) => {
        const bucket = fullBucket(plan, 0);
        let now = 0;
        for (const gap of gaps) {
          now += Math.max(0, gap);
          take(bucket, plan, now);
        }
        return take(bucket, plan, now + 1_000 / plan.rate + 1e-3);
      }),
    );
  });

  test('consumes nothing for refused calls, so a client that retries too early still gets its rate', () => {
    const plan = { rate: 10, burst: 10 };
    const admitted = run(
      plan,
      Array.from({ length: 10_000 }, () => 10),
    );
    expect(admitted.length).toBeGreaterThanOrEqual(1_009);
    expect(admitted.length).toBeLessThanOrEqual(1_010);
  });

  test('adds no tokens when the clock is set back, and never holds more than the burst', () => {
    fc.assert(
      fc.property(plans, waits, (plan, gaps) => {
        const bucket = fullBucket(plan, 0);
        let now = 0;
        let ahead = 0;
        let admitted = 0;
        for (const gap of gaps) {
          now += gap;
          ahead = Math.max(ahead, now);
          if (take(bucket, plan, now)) admitted += 1;
          if (bucket.tokens > plan.burst || bucket.tokens < 0) return false;
        }
        return admitted <= plan.burst + (plan.rate * ahead) / 1_000 + 1e-6;
      }),
    );
  });

  test('is full again after burst / rate seconds, and can be dropped only then', () => {
    const plan = { rate: 10, burst: 20 };
    const bucket = fullBucket(plan, 0);
    expect(isFull(bucket, plan, 0)).toBe(true);
    for (let call = 0; call < 20; call++) take(bucket, plan, 0);
    expect(take(bucket, plan, 0)).toBe(false);
    expect(isFull(bucket, plan, 1_999)).toBe(false);
    expect(isFull(bucket, plan, 2_000)).toBe(true);
  });

  test('returns the whole seconds until the next token', () => {
    const slow = { rate: 0.25, burst: 1 };
    const bucket = fullBucket(slow, 0);
    take(bucket, slow, 0);
    expect(secondsToToken(bucket, slow, 0)).toBe(4);
    expect(secondsToToken(bucket, slow, 3_900)).toBe(1);
  });
});

describe('the daily quota', () => {
  const plan = { quotaPerDay: 3 };
  const noon = Date.UTC(2026, 1, 3, 12);

  test('RT-2: admits its number of calls and is full again at 00:00 UTC', () => {
    const used = { day: utcDay(noon), count: 0 };
    expect([1, 2, 3, 4].map(() => countCall(used, plan, noon))).toEqual([true, true, true, false]);
    expect(countCall(used, plan, Date.UTC(2026, 1, 3, 23, 59, 59, 999))).toBe(false);
    expect(countCall(used, plan, Date.UTC(2026, 1, 4))).toBe(true);
    expect(used).toEqual({ day: utcDay(Date.UTC(2026, 1, 4)), count: 1 });
  });

  test('is not full again when the clock is set back over midnight', () => {
    const used = { day: utcDay(noon), count: 3 };
    expect(countCall(used, plan, noon - 86_400_000)).toBe(false);
  });

  test('returns the whole seconds until the day ends', () => {
    expect(secondsToReset(noon)).toBe(43_200);
    expect(secondsToReset(Date.UTC(2026, 1, 3, 23, 59, 59, 999))).toBe(1);
  });
});

describe('the time to wait', () => {
  test('is rounded up, so that a caller who waits is admitted', () => {
    const plan = { rate: 0.4, burst: 1 };
    const bucket = fullBucket(plan, 0);
    take(bucket, plan, 0);
    expect(secondsToToken(bucket, plan, 0)).toBe(3);
    const day = 86_400_000;
    expect(secondsToReset(day - 1_500)).toBe(2);
  });
});
