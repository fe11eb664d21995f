import { randomBytes } from 'node:crypto';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import { startLongTimer } from '../../core/time/long-timer.ts';

/** The machine's clock and timers. @param options.keepsAlive whether the process runs on while a timer is set */
export function machineClock({ keepsAlive }: { readonly keepsAlive: boolean }): Clock {
  const setTimer = (run: () => void, ms: number) => {
    const timer = setTimeout(run, ms);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  };
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, run) => startLongTimer(setTimer, ms, run),
  };
}

/** The machine's clock and timers. A timer does not keep the process alive. */
export const systemClock: Clock = machineClock({ keepsAlive: false });

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
