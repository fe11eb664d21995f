import type { Clock } from '../ports/clock.ts';

/** Resolves after `ms`. Does not keep the process alive. */
export function pause(clock: Pick<Clock, 'after'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/**
 * The outcome of `work`, or of `onTimeout` if `work` has not settled after `ms`. `work` itself goes on; its later
 * outcome is ignored. To fail on a timeout, throw from `onTimeout`.
 */
export async function withTimeout<T, L>(
  clock: Pick<Clock, 'after'>,
  ms: number,
  work: Promise<T>,
  onTimeout: () => L,
): Promise<T | L> {
  const late = Promise.withResolvers<'timeout'>();
  const timer = clock.after(ms, () => late.resolve('timeout'));
  try {
    return await Promise.race([work, late.promise.then(onTimeout)]);
  } finally {
    timer.cancel();
  }
}
