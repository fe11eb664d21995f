import type { Clock } from '../../core/ports/clock.ts';

export interface IdleMemoryOptions {
  readonly clock: Clock;
  /** Returns memory to the system. It may take long, as it only delays the first request after a long pause. */
  readonly collect: () => void;
  /** Length of a round until the first collection, in milliseconds. @default 10_000 (10 seconds) */
  readonly startMs?: number;
  /** Length of a round after the first collection, in milliseconds. @default 60_000 (1 minute) */
  readonly idleMs?: number;
}

export interface IdleMemory {
  /** Marks the current round as used. It is cheap enough to call for each request. */
  used(): void;
  /** Stops collecting. */
  close(): void;
}

/**
 * Collects once per pause, at the end of its first unused round: one to two rounds after the last use. V8 only collects
 * while it allocates, so an idle process would keep the garbage of its last requests. The start counts as a use: its
 * garbage is a fifth of a task's memory. Rounds are long because a collection also discards optimized code, which makes the next
 * thousands of requests slower; the first round is short because a new task has little optimized code.
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
