import { describe, expect, test } from '@jest/globals';
import { createAttemptLimiter } from '../../../core/identity/attempts.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('the limiter of failed attempts', () => {
  test('takes from all keys or from none, returns attempts, and starts anew after its window', () => {
    let now = 0;
    const limiter = createAttemptLimiter({ clock: { monotonic: () => now }, windowMs: 1_000 });
    const user = { key: 'user', max: 2 };
    const address = { key: 'address', max: 3 };
    expect(limiter.take([user, address])).toBe(true);
    expect(limiter.take([user, address])).toBe(true);
    expect(limiter.take([user, address])).toBe(false);
    expect(limiter.take([address])).toBe(true);
    expect(limiter.take([address])).toBe(false);
    limiter.giveBack([user, address]);
    expect(limiter.take([user, address])).toBe(true);
    expect(limiter.take([user])).toBe(false);
    now = 999;
    expect(limiter.take([user])).toBe(false);
    now = 1_000;
    expect(limiter.take([user])).toBe(true);
  });

  test('a window ends after its time, although the date is set back meanwhile', () => {
    const clock = new ManualClock();
    const limiter = createAttemptLimiter({ clock, windowMs: 1_000 });
    const user = { key: 'user', max: 1 };
    limiter.take([user]);
    clock.setDate(-7_200_000);
    expect(limiter.take([user])).toBe(false);
    clock.advance(1_000);
    expect(limiter.take([user])).toBe(true);
  });

  test('an attempt that was never taken cannot be returned', () => {
    const limiter = createAttemptLimiter({ clock: { monotonic: () => 0 }, windowMs: 1_000 });
    const user = { key: 'user', max: 1 };
    limiter.giveBack([user]);
    expect(limiter.take([user])).toBe(true);
    limiter.giveBack([user]);
    limiter.giveBack([user]);
    expect([limiter.take([user]), limiter.take([user])]).toEqual([true, false]);
  });
});
