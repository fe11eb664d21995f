/** The clock is an argument, so that tests and the virtual clock control time. */
export interface Clock {
  /** Epoch milliseconds. An operator or a time server may set this clock back: use it for dates and stored times. */
  now(): number;
  /**
   * Milliseconds since an arbitrary moment, by a clock that nobody can set and that never goes back. It starts again with
   * the process. Limits, lock-outs, caches and measured durations use it, so that a change of the date does not extend them.
   */
  monotonic(): number;
  /**
   * Calls `run` once, after `ms` milliseconds and never before this call returns. By `now()`, which counts whole
   * milliseconds, the call may be 1 ms early. `cancel` prevents the call; afterwards it does nothing. Whether a timer
   * keeps the process alive is up to the adapter.
   */
  after(ms: number, run: () => void): { cancel(): void };
}

/** Cryptographically random bytes. */
export type RandomBytes = (count: number) => Uint8Array;
