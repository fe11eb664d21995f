import type { Clock } from '../../core/ports/clock.ts';
import { startLongTimer } from '../../core/time/long-timer.ts';

/**
 * The machine's clock and timers, for functions. A timer keeps the process alive: otherwise Node would end it in the
 * middle of an invocation that waits for nothing but a timer.
 */
export const functionClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => startLongTimer(setTimer, ms, run),
};

function setTimer(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
