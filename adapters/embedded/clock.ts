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

/** Drawn from the operating system at once, as each call costs microseconds: enough for 256 ids. */
const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);

/** The operating system's generator. No byte is given out twice. */
export const systemRandom: RandomBytes = (count) => {
  if (count > pool.length) {
    if (count > POOL_BYTES) return randomBytes(count);
    pool = randomBytes(POOL_BYTES);
  }
  const taken = Uint8Array.prototype.slice.call(pool, 0, count);
  pool.fill(0, 0, count);
  pool = pool.subarray(count);
  return taken;
};
