import { randomBytes } from 'node:crypto';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';

/** setTimeout fires at once for anything longer (about 24.8 days). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    let timer: NodeJS.Timeout;
    const arm = (rest: number): void => {
      const step = Math.min(rest, LONGEST_TIMER_MS);
      timer = setTimeout(() => (rest > step ? arm(rest - step) : run()), step).unref();
    };
    arm(ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The operating system's generator. */
export const systemRandom: RandomBytes = (count) => randomBytes(count);
