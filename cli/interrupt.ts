import { CliError } from './exit-codes.ts';

/**
 * Runs `run` with a signal that the first Ctrl-C (or SIGTERM) aborts. A second one ends the process at once.
 * Throws interrupted if `run` ends with an AbortError because of it.
 */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    return await run(controller.signal);
  } catch (error) {
    const aborted = controller.signal.aborted && (error as Partial<Error> | undefined)?.name === 'AbortError';
    throw aborted ? new CliError('interrupted', 'interrupted', { cause: error }) : error;
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}
