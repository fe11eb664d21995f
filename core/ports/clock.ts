/** The clock is an argument, so that tests and the virtual clock control time. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /**
   * Calls `run` once, after `ms` milliseconds and never before this call returns. By `now()`, which counts whole
   * milliseconds, the call may be 1 ms early. `cancel` prevents the call; afterwards it does nothing. Whether a timer
   * keeps the process alive is up to the adapter.
   */
  after(ms: number, run: () => void): { cancel(): void };
}

/** Cryptographically random bytes. */
export type RandomBytes = (count: number) => Uint8Array;
