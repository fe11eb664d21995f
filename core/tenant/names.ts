import type { RandomBytes } from '../ports/clock.ts';

/** 2 to 63 letters, digits, spaces, '.', '_', '-'. */
export const TENANT_NAME = /^[A-Za-z0-9 ._-]{2,63}$/;
/** Made by the server, never by a client. */
export const TENANT_ID = /^[a-z0-9]{8,26}$/;

/**
 * What URLs and uniqueness use: lower case, every run of other characters one '-', none at the ends.
 * @returns '' where nothing is left, which no tenant may be called
 */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

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
  let chance = '';
  for (const byte of random(16)) chance += CROCKFORD[byte % 32];
  return time + chance;
}
