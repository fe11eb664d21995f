import { Lru } from '../../../core/collections/lru.ts';

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

/** Services use few header names. The bound keeps a service that invents names from filling the gateway's memory. */
const MAX_CACHED = 1_000;
const cache = new Lru<HeaderRole>(MAX_CACHED);

/** A header name as RFC 9110, 5.1 defines it. */
export const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Decides what to do with a header by its name, in any spelling. Hop-by-hop headers (RFC 9110, 7.6.1) and internal ones
 * are not passed to clients.
 * @returns undefined if the name is not a valid token
 */
export function headerRole(name: string): HeaderRole | undefined {
  const cached = cache.get(name);
  if (cached !== undefined) return cached;
  if (!TOKEN.test(name)) return undefined;
  const lower = name.toLowerCase();
  const internal = lower.startsWith('x-tierplane-') || lower.startsWith('proxy-');
  const role = ROLES.get(lower) ?? (internal ? 'drop' : 'pass');
  cache.set(name, role);
  return role;
}
