import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../../core/ports/clock.ts';

export interface OpenClock {
  readonly clock: Clock;
  /** Lets at least `ms` pass. */
  pass(ms: number): Promise<void>;
}

const DAY_MS = 86_400_000;
/** now() counts whole milliseconds, timers count finer. */
const ROUNDING_MS = 1;

/** What every implementation of the Clock port must do, the fakes included. */
export function clockContract(name: string, { clock, pass }: OpenClock): void {
  describe(`${name} as a Clock`, () => {
    test('counts whole milliseconds', async () => {
      const start = clock.now();
      expect(Number.isInteger(start)).toBe(true);
      await pass(20);
      expect(clock.now() - start).toBeGreaterThanOrEqual(20 - ROUNDING_MS);
    });

    test('makes each call once, after its time and in order of time', async () => {
      const calls: string[] = [];
      const start = clock.now();
      clock.after(30, () => calls.push(`second ${clock.now() - start >= 30 - ROUNDING_MS}`));
      clock.after(10, () => calls.push(`first ${clock.now() - start >= 10 - ROUNDING_MS}`));
      expect(calls).toEqual([]);
      await pass(60);
      expect(calls).toEqual(['first true', 'second true']);
      await pass(60);
      expect(calls).toHaveLength(2);
    });

    test('makes no call before after() has returned, even without a wait', async () => {
      const calls: string[] = [];
      clock.after(0, () => calls.push('called'));
      calls.push('returned');
      await pass(10);
      expect(calls).toEqual(['returned', 'called']);
    });

    test('makes no cancelled call, and accepts a second cancel and a late one', async () => {
      let calls = 0;
      const cancelled = clock.after(10, () => calls++);
      const late = clock.after(10, () => calls++);
      cancelled.cancel();
      cancelled.cancel();
      await pass(40);
      late.cancel();
      expect(calls).toBe(1);
    });

    test('waits longer than the longest timer of the platform', async () => {
      let called = false;
      const timer = clock.after(60 * DAY_MS, () => {
        called = true;
      });
      await pass(20);
      timer.cancel();
      expect(called).toBe(false);
    });
  });
}
