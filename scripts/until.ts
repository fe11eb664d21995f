type Falsy = undefined | null | false | 0 | '';

const GROWTH = 1.2;

export interface UntilOptions {
  readonly withinMs: number;
  /** Pause after the first call, in milliseconds. @default 50 */
  readonly everyMs?: number;
  /**
   * The longest pause, in milliseconds. Each pause is a fifth longer than the one before, so that a long wait does not slow
   * down what it waits for. @default everyMs
   */
  readonly slowestMs?: number;
  /** The message of the error after `withinMs`. */
  readonly failure: () => string;
}

/**
 * Calls `look` until it returns a truthy value, and returns that value.
 * Throws what `look` throws, and an Error with the message `failure` after `withinMs`.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { withinMs, everyMs = 50, slowestMs = everyMs, failure }: UntilOptions,
): Promise<Exclude<T, Falsy>> {
  const end = performance.now() + withinMs;
  for (let pause = everyMs; ; pause = Math.min(pause * GROWTH, slowestMs)) {
    const value = await look();
    if (value) return value as Exclude<T, Falsy>;
    if (performance.now() > end) throw new Error(failure());
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
