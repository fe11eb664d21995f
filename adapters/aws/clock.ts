import { randomBytes } from 'node:crypto';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';

/**
 * The machine's clock and timers, for functions: a timer does keep the process alive here, as Node would otherwise end
 * it in the middle of an invocation that only waits for one.
 */
export const functionClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The operating system's generator. */
export const systemRandom: RandomBytes = (count) => randomBytes(count);
