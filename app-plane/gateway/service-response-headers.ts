import { memoize } from '../../core/collections/memoize.ts';
import { limitedCookie } from './service-cookies.ts';
import { isPathOfService } from './target.ts';

/**
 * Which response headers of a service reach the client. A service may be hostile, and shares its origin with the sign-in:
 * with other headers it could set the sign-in's cookies, clear the site's data, pin the browser to HTTPS, open the origin to
 * other pages, or make a proxy send a file. So only the headers listed here pass (docs/decisions/0019).
 */
type Treatment = 'pass' | 'drop' | 'own' | 'location' | 'cookie' | 'challenge';

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map([
  ...[
    // The representation (RFC 9110, 8).
    'content-type',
    'content-length',
    'content-encoding',
    'content-language',
    'content-range',
    'content-disposition',
    'content-digest',
    'repr-digest',
    'accept-ranges',
    'etag',
    'last-modified',
    // Caching and the response itself.
    'age',
    'cache-control',
    'date',
    'expires',
    'vary',
    'x-content-type-options',
    // What the client may do next.
    'allow',
    'accept-patch',
    'accept-post',
    'deprecation',
    'link',
    'preference-applied',
    'ratelimit',
    'retry-after',
    'sunset',
  ].map((name) => [name, 'pass'] as const),
  ['location', 'location'],
  ['content-location', 'location'],
  ['set-cookie', 'cookie'],
  ['www-authenticate', 'challenge'],
]);

/** A service passes headers of its own as `x-<service>-<name>`, unless a proxy or the platform gives the name a meaning. */
const OWN = /^x-(?!accel-|amz|forwarded-|goog-|lighttpd-|litespeed-|original-|real-|tierplane-)[a-z0-9-]+$/;
const RATE_LIMIT = /^(?:x-)?ratelimit-[a-z-]+$/;
/** Other schemes make a browser ask the user for a password on the platform's origin. */
const BEARER = /^Bearer(?: [a-z_]+="[^"]*"(?:, ?[a-z_]+="[^"]*")*)?$/i;

/** Services use few header names. The bound keeps a service that invents names from filling the gateway's memory. */
const MAX_CACHED = 1_000;
const treatmentOf = memoize((name: string): Treatment => {
  const lower = name.toLowerCase();
  return TREATMENTS.get(lower) ?? (RATE_LIMIT.test(lower) ? 'pass' : OWN.test(lower) ? 'own' : 'drop');
}, MAX_CACHED);

/** What decides about `Location` and cookies. */
export interface ServiceAddress {
  readonly service: string;
  /** Path and query of the request below `/api`. */
  readonly path: string;
  /** What clients see. Called only for headers that name a location. */
  readonly publicUrl: () => URL;
}

/**
 * Removes the headers that must not reach the client, in place, because this runs for each response.
 * @param headers `name, value, name, value ...` of a service. @returns the same list
 */
export function serviceResponseHeaders(headers: string[], address: ServiceAddress): string[] {
  let kept = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = allowedValue(name, headers[i + 1] as string, address);
    if (value === undefined) continue;
    headers[kept] = name;
    headers[kept + 1] = value;
    kept += 2;
  }
  headers.length = kept;
  return headers;
}

function allowedValue(name: string, value: string, address: ServiceAddress): string | undefined {
  switch (treatmentOf(name)) {
    case 'pass':
      return value;
    case 'drop':
      return undefined;
    case 'own':
      return name.toLowerCase().startsWith(`x-${address.service}-`) ? value : undefined;
    case 'cookie':
      return limitedCookie(value, address.service);
    case 'challenge':
      return BEARER.test(value) ? value : undefined;
    case 'location':
      return staysAtService(value, address) ? value : undefined;
  }
}

/** Whether a browser that follows `location` stays below `/api/<service>` of the same origin. */
function staysAtService(location: string, { service, path, publicUrl }: ServiceAddress): boolean {
  const { origin } = publicUrl();
  const requested = `${origin}/api${path}`;
  if (!URL.canParse(location, requested)) return false;
  const target = new URL(location, requested);
  return target.origin === origin && isPathOfService(target.pathname, service);
}
