import type { Check } from './table.ts';

/**
 * Reads whether a caller may act now.
 * Throws UNAUTHENTICATED or FORBIDDEN if the caller may not.
 *
 * @returns the conditions under which this stays so. A change of the caller is committed only together with them, so that
 * nobody loses a right between the check and the write.
 */
export type Guard = () => Promise<readonly Check[]>;

/**
 * The guard of changes in a table that does not hold the guard's records: it is asked before each change, and its conditions
 * cannot be part of the change.
 */
export function askedOnly(guard: Guard): Guard {
  return async () => {
    await guard();
    return [];
  };
}

/** Both guards as one. */
export function bothGuards(first: Guard, second: Guard): Guard {
  return async () => [...(await first()), ...(await second())];
}
