/** Time and chance come in as arguments, so that tests and the virtual clock own them. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `run` once after `ms`; `cancel()` on what comes back undoes it. Does not keep a process alive. */
  after(ms: number, run: () => void): { cancel(): void };
}

/** Cryptographically random bytes. */
export type RandomBytes = (count: number) => Uint8Array;
