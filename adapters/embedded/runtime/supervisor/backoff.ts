const FIRST_MS = 250;
const LONGEST_MS = 15_000;

/**
 * How long to wait before a start after `failures` failures in a row, in ms: none after the first, then doubling from
 * 250 ms to 15 s, each with up to half taken off by chance so that tasks that fell together do not rise together.
 * @param chance in [0, 1)
 */
export function backoffMs(failures: number, chance: number): number {
  if (failures <= 1) return 0;
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 2)) * (1 - chance / 2);
}

/** Milliseconds from `now` until `notBefore`, both epoch ms. A clock that was set back makes nobody wait for long. */
export function waitMs(notBefore: number, now: number): number {
  return Math.max(0, Math.min(notBefore - now, LONGEST_MS));
}
