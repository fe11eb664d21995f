/** The longest wait of one timer, in milliseconds (about 24.8 days). setTimeout fires at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Starts one timer of at most MAX_TIMER_MS. Returns what cancels it. */
export type SetTimer = (run: () => void, ms: number) => () => void;

/** Calls `run` once after `ms`, however long, by as many timers in a row as it takes. */
export function startLongTimer(setTimer: SetTimer, ms: number, run: () => void): { cancel(): void } {
  let cancel: () => void;
  const arm = (restMs: number): void => {
    const stepMs = Math.min(restMs, MAX_TIMER_MS);
    cancel = setTimer(() => (restMs > stepMs ? arm(restMs - stepMs) : run()), stepMs);
  };
  arm(ms);
  return { cancel: () => cancel() };
}
