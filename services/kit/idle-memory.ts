import type { Clock } from '../../core/ports/clock.ts';

export interface IdleMemoryOptions {
  readonly clock: Clock;
  /** Gives memory back to the system. May take long: nobody waits, or somebody who comes after a long pause. */
  readonly collect: () => void;
  /** Length of a round, in milliseconds. @default 60_000 (1 minute) */
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
 * while it allocates only, and would keep for as long as nothing happens what a rush has left. The start counts as use.
 * Not done in short pauses, as optimised code goes with what it refers to: the next thousands of requests cost more.
 */
export function giveBackWhenIdle({ clock, collect, idleMs = 60_000 }: IdleMemoryOptions): IdleMemory {
  let usedThisRound = true;
  let collected = false;
  let timer = clock.after(idleMs, endRound);

  function endRound(): void {
    timer = clock.after(idleMs, endRound);
    if (usedThisRound) collected = false;
    else if (!collected) {
      collected = true;
      collect();
    }
    usedThisRound = false;
  }

  return {
    used() {
      usedThisRound = true;
    },
    close: () => timer.cancel(),
  };
}
