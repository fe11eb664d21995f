type Falsy = undefined | null | false | 0 | '';

export interface UntilOptions {
  readonly withinMs: number;
  /** Pause between two calls, in milliseconds. @default 50 */
  readonly everyMs?: number;
  /** The message of the error after `withinMs`. */
  readonly failure: () => string;
}

/**
 * Calls `look` until it returns a truthy value, and returns that value.
 * Throws what `look` throws, and an Error with the message `failure` after `withinMs`.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { withinMs, everyMs = 50, failure }: UntilOptions,
): Promise<Exclude<T, Falsy>> {
  const end = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value) return value as Exclude<T, Falsy>;
    if (performance.now() > end) throw new Error(failure());
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
