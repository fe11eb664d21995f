import { expect, test } from '@jest/globals';
import { startLongTimer } from '../../../core/time/long-timer.ts';

const LONGEST = 2 ** 31 - 1;

/** Timers that fire when the test says so. */
function manualTimers() {
  const waits: number[] = [];
  const cancelled: number[] = [];
  let fire = () => undefined as unknown;
  const setTimer = (run: () => void, ms: number) => {
    const index = waits.push(ms) - 1;
    fire = run;
    return () => cancelled.push(index);
  };
  return { waits, cancelled, setTimer, fire: () => fire() };
}

test('splits a long wait into timers that the platform can hold, and calls once at its end', () => {
  const timers = manualTimers();
  let calls = 0;
  startLongTimer(timers.setTimer, 2 * LONGEST + 5, () => calls++);
  timers.fire();
  timers.fire();
  expect(calls).toBe(0);
  timers.fire();
  expect([timers.waits, calls]).toEqual([[LONGEST, LONGEST, 5], 1]);
});

test('takes one timer for a wait of exactly the longest', () => {
  const timers = manualTimers();
  let calls = 0;
  startLongTimer(timers.setTimer, LONGEST, () => calls++);
  timers.fire();
  expect([timers.waits, calls]).toEqual([[LONGEST], 1]);
});

test('cancels the timer that is running, not the first one', () => {
  const timers = manualTimers();
  const timer = startLongTimer(timers.setTimer, LONGEST + 1, () => undefined);
  timers.fire();
  timer.cancel();
  expect(timers.cancelled).toEqual([1]);
});
