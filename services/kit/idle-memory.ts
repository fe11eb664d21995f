import type { Clock } from '../../core/ports/clock.ts';

export interface IdleMemoryOptions {
  readonly clock: Clock;
  /** Gives memory back to the system. May take long: nobody waits, or somebody who comes after a long pause. */
  readonly collect: () => void;
  /** Length of a round until something was collected for the first time, in milliseconds. @default 10_000 */
  readonly startMs?: number;
  /** Length of each round after that, in milliseconds. @default 60_000 (1 minute) */
  readonly idleMs?: number;
}

export interface IdleMemory {
  /** Says that there may be garbage. Costs nothing, so that it can be said at each request. */
  used(): void;
  /** Collects no more. */
  close(): void;
}

/**
 * Collects once in each pause, at the end of its first quiet round: one to two rounds after the last use. V8 collects
 * while it allocates only, and would keep for as long as nothing happens what a rush has left. The start counts as use,
 * and leaves a fifth of a task's memory. Short pauses are let pass, as optimised code goes with what it refers to, and the
 * next thousands of requests cost more; a task that has just started has little of it.
 */
export function giveBackWhenIdle(options: IdleMemoryOptions): IdleMemory {
  const { clock, collect, startMs = 10_000, idleMs = 60_000 } = options;
  let roundMs = startMs;
  let usedThisRound = true;
  let collected = false;
  let timer = clock.after(roundMs, endRound);

  function endRound(): void {
    if (usedThisRound) collected = false;
    else if (!collected) {
      collected = true;
      roundMs = idleMs;
      collect();
    }
    usedThisRound = false;
    timer = clock.after(roundMs, endRound);
  }

  return {
    used() {
      usedThisRound = true;
    },
    close: () => timer.cancel(),
  };
}
