import { CROCKFORD, crockfordText } from '../encoding/crockford.ts';
import type { RandomBytes } from '../ports/clock.ts';

/** 2 to 63 letters, digits, spaces, '.', '_', '-'. */
export const TENANT_NAME = /^[A-Za-z0-9 ._-]{2,63}$/;
export const MAX_TENANT_ID_LENGTH = 26;
/** Server-made; clients cannot choose one. */
export const TENANT_ID = new RegExp(`^[a-z0-9]{8,${MAX_TENANT_ID_LENGTH}}$`);

/**
 * The name as URLs show it and as uniqueness compares it: in lower case, one '-' for each run of other characters, none
 * at the ends.
 * @returns '' if nothing remains; such a name is refused
 */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/**
 * 26 characters of [0-9a-z]: 48 bits of time (so ids sort by creation) and 80 random bits, as a ULID in lower case.
 * @see https://github.com/ulid/spec
 */
export function newId(nowMs: number, random: RandomBytes): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < 10; i++) {
    time = CROCKFORD[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  return time + crockfordText(random(16));
}
