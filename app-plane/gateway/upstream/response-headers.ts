import { memoize } from '../../../core/collections/memoize.ts';

/** What the gateway does with a response header. `pass`: sends it to the client. `drop`: discards it. */
export type HeaderRole = 'content-length' | 'transfer-encoding' | 'connection' | 'keep-alive' | 'drop' | 'pass';

const ROLES: ReadonlyMap<string, HeaderRole> = new Map([
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['connection', 'connection'],
  // Obsolete, but Node and others obey it.
  ['proxy-connection', 'connection'],
  ['keep-alive', 'keep-alive'],
  ['trailer', 'drop'],
  ['upgrade', 'drop'],
  // The gateway adds its own.
  ['x-request-id', 'drop'],
]);

/** A header name as RFC 9110, 5.1 defines it. */
export const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Services use few header names. The bound keeps a service that invents names from filling the gateway's memory. */
const MAX_CACHED = 1_000;

/**
 * Decides what to do with a header by its name, in any spelling. Hop-by-hop headers (RFC 9110, 7.6.1) and internal ones
 * are not passed to clients. Returns undefined if the name is not a valid token.
 */
export const headerRole = memoize(roleOfName, MAX_CACHED);

function roleOfName(name: string): HeaderRole | undefined {
  if (!TOKEN.test(name)) return undefined;
  const lower = name.toLowerCase();
  const internal = lower.startsWith('x-tierplane-') || lower.startsWith('proxy-');
  return ROLES.get(lower) ?? (internal ? 'drop' : 'pass');
}
