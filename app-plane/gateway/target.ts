import { isAmbiguousPath } from '../../core/fields/path-segment.ts';
import { originForm, withoutQuery } from '../../core/http/request-target.ts';

/** What a request is for, by its target. */
export type Target =
  | { readonly kind: 'healthz' }
  | { readonly kind: 'readyz' }
  /** A tenant's service, which may not exist. `path` is what the service receives, with the query. */
  | { readonly kind: 'api'; readonly service: string; readonly path: string }
  /** Control plane, realms, pages. */
  | { readonly kind: 'platform'; readonly path: string }
  /** Refused: not a path, or one that two servers could read differently. */
  | { readonly kind: 'malformed' }
  /** Refused: longer than any request of a client needs, and logs would be full of it. */
  | { readonly kind: 'too-long' };

const HEALTHZ: Target = { kind: 'healthz' };
const READYZ: Target = { kind: 'readyz' };
const MALFORMED: Target = { kind: 'malformed' };
const TOO_LONG: Target = { kind: 'too-long' };

/** Longest path, and longest path with query, in characters. A sign-in has the longest query: it may carry an ID token. */
const MAX_PATH = 2_048;
const MAX_TARGET = 8_192;

const API = '/api';
const VERSION = '/v1/';

/**
 * Reads the target of a request line: a path, or an absolute URL, whose origin is ignored (RFC 9112, 3.2). Other forms
 * are malformed.
 */
export function parseTarget(url: string): Target {
  if (url.length > MAX_TARGET) return TOO_LONG;
  const path = originForm(url);
  if (path === undefined) return MALFORMED;
  const bare = withoutQuery(path);
  if (bare.length > MAX_PATH) return TOO_LONG;
  if (isAmbiguousPath(bare)) return MALFORMED;
  if (bare === '/healthz') return HEALTHZ;
  if (bare === '/readyz') return READYZ;
  if (bare === API || bare.startsWith(`${API}/`))
    return { kind: 'api', service: serviceOf(bare), path: path.slice(API.length) };
  return { kind: 'platform', path };
}

/** Whether a path of the platform belongs to the service: `/api/<service>`, `/api/v1/<service>`, or below. */
export function isPathOfService(path: string, service: string): boolean {
  return [`${API}/${service}`, `${API}${VERSION}${service}`].some(
    (base) => path === base || path.startsWith(`${base}/`),
  );
}

/** The service in `/api/[v1/]<service>[/...]`, or '' if there is none. */
function serviceOf(bare: string): string {
  const start = bare.startsWith(VERSION, API.length) ? API.length + VERSION.length : API.length + 1;
  const end = bare.indexOf('/', start);
  return end === -1 ? bare.slice(start) : bare.slice(start, end);
}
