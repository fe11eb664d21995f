import type { Clock } from '../../core/ports/clock.ts';
import { machineClock } from '../shared/clock.ts';

/**
 * The machine's clock and timers, for functions. A timer keeps the process alive: otherwise Node would end it in the
 * middle of an invocation that waits for nothing but a timer.
 */
export const functionClock: Clock = machineClock({ keepsAlive: true });
