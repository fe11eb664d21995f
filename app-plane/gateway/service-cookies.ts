import { isPathOfService } from './target.ts';

/** Browsers ignore an attribute that is longer than 1024 bytes (RFC 6265bis, 5.6), so a long path would not limit anything. */
const MAX_COOKIE = 4_096;
const MAX_PATH = 256;

/** A name and a value, as RFC 6265, 4.1.1 defines them. */
const NAME_AND_VALUE = /^[\w!#$%&'*+.^`|~-]+=("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\1$/;

/** Attributes that do not widen where a cookie is sent. */
const HARMLESS = new Set(['expires', 'max-age', 'secure', 'httponly', 'samesite', 'partitioned']);

/**
 * A `Set-Cookie` of a service, limited to `/api/<service>` and to this host. Without a path, it gets this one, because
 * browsers would otherwise use the folder of the request's path. A cookie that asks for another path or for a domain is
 * dropped: the service means another cookie than the one it would get.
 * @returns undefined for a cookie that is dropped
 */
export function limitedCookie(value: string, service: string): string | undefined {
  if (value.length > MAX_COOKIE) return undefined;
  const [pair = '', ...attributes] = value.split(';').map((part) => part.trim());
  if (!NAME_AND_VALUE.test(pair)) return undefined;
  let path: string | undefined;
  for (const attribute of attributes) {
    const [name = '', given = ''] = attribute.split(/=(.*)/s).map((part) => part.trim());
    if (HARMLESS.has(name.toLowerCase()) || attribute === '') continue;
    // Browsers use the last of several paths, so there must be one only.
    if (name.toLowerCase() !== 'path' || path !== undefined || !isOwnPath(given, service)) return undefined;
    path = given;
  }
  return path === undefined ? `${[pair, ...attributes.filter(Boolean)].join('; ')}; Path=/api/${service}` : value;
}

function isOwnPath(path: string, service: string): boolean {
  return path.length <= MAX_PATH && isPathOfService(path, service);
}
