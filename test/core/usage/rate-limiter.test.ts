import { describe, expect, test } from '@jest/globals';
import { createRateLimiter } from '../../../core/usage/rate-limiter.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('the limiter of calls', () => {
  test('admits the burst, then the rate, for each key', () => {
    const clock = new ManualClock();
    const limiter = createRateLimiter(clock, { perMinute: 6, burst: 2 });
    expect(['a', 'a', 'a', 'b'].map((key) => limiter.take(key))).toEqual([0, 0, 10, 0]);
    clock.advance(10_000);
    expect(['a', 'a'].map((key) => limiter.take(key))).toEqual([0, 10]);
  });

  test('admits calls after their time, although the date is set back meanwhile', () => {
    const clock = new ManualClock();
    const limiter = createRateLimiter(clock, { perMinute: 6, burst: 1 });
    limiter.take('a');
    clock.setDate(-7_200_000);
    expect(limiter.take('a')).toBe(10);
    clock.advance(10_000);
    expect(limiter.take('a')).toBe(0);
  });
});
