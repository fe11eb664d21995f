/**
 * Runs what a user may tire of waiting for. The first Ctrl-C (or SIGTERM) raises the signal, so that it can end in
 * order; a second one ends the process at once.
 */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const raise = (): void => controller.abort();
  process.once('SIGINT', raise);
  process.once('SIGTERM', raise);
  try {
    return await run(controller.signal);
  } finally {
    process.off('SIGINT', raise);
    process.off('SIGTERM', raise);
  }
}
