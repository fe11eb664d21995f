import type { Clock } from '../ports/clock.ts';

/**
 * Calls `run` every `intervalMs`, for the first time after one interval. The next interval starts when the run before
 * has ended, so runs never overlap. `run` must handle its own errors. Does not keep the process alive.
 */
export function repeat(
  clock: Pick<Clock, 'after'>,
  intervalMs: number,
  run: () => void | Promise<void>,
): { /** Ends the repetition. Resolves when a run under way has ended. */ close(): Promise<void> } {
  let running: void | Promise<void>;
  let closed = false;
  let timer = clock.after(intervalMs, tick);

  function tick(): void {
    running = run();
    if (running instanceof Promise) void running.then(schedule);
    else schedule();
  }

  function schedule(): void {
    if (!closed) timer = clock.after(intervalMs, tick);
  }

  return {
    async close() {
      closed = true;
      timer.cancel();
      await running;
    },
  };
}
