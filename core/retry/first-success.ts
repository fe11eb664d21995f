/**
 * A function that calls `compute` until a call has succeeded, and returns that result from then on. Calls at the same time share
 * one attempt; each of them throws its error.
 */
export function firstSuccess<T>(compute: () => Promise<T>): () => Promise<T> {
  let attempt: Promise<T> | undefined;
  return async () => {
    attempt ??= compute();
    const own = attempt;
    try {
      return await own;
    } catch (error) {
      if (attempt === own) attempt = undefined;
      throw error;
    }
  };
}
