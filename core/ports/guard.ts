import type { Check } from './table.ts';

/**
 * Reads whether a caller may act now.
 * Throws UNAUTHENTICATED or FORBIDDEN if the caller may not.
 *
 * @returns the conditions under which this stays so. A change of the caller is committed only together with them, so that
 * nobody loses a right between the check and the write.
 */
export type Guard = () => Promise<readonly Check[]>;

/** Both guards as one. */
export function bothGuards(first: Guard, second: Guard): Guard {
  return async () => [...(await first()), ...(await second())];
}
