import { isAmbiguousPath } from '../../core/fields/path-segment.ts';
import { originForm, withoutQuery } from '../../core/http/request-target.ts';
import { type IngressConfig, VERSION } from './config.ts';

/** What a request is for, by its target. */
export type Target =
  | { readonly kind: 'healthz' }
  /** `path` is what the service receives, with the query and without stage and shard. */
  | { readonly kind: 'service'; readonly service: string; readonly path: string }
  | { readonly kind: 'unknown' }
  /** Refused: not a path, or one that two servers could read differently. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'too-long' };

const HEALTHZ: Target = { kind: 'healthz' };
const UNKNOWN: Target = { kind: 'unknown' };
const MALFORMED: Target = { kind: 'malformed' };
const TOO_LONG: Target = { kind: 'too-long' };

/** In characters. Node refuses a longer request line because it limits the size of all headers. */
const MAX_TARGET = 8_192;
/** What a request target may contain (RFC 9112, 3.2, and RFC 3986): visible ASCII without a fragment. */
const VISIBLE = /^[!-"$-~]+$/;

/**
 * Reads the target of a request line: a path, or an absolute URL, whose origin is ignored (RFC 9112, 3.2.2). The path is
 * `[/<stage>][/<shard>][/v1]/<service>[/...]`. Stage and shard are compared as they are, without decoding.
 */
export function parseTarget(
  url: string,
  { services, stage, shard }: Pick<IngressConfig, 'services' | 'stage' | 'shard'>,
): Target {
  if (url.length > MAX_TARGET) return TOO_LONG;
  const full = originForm(url);
  if (full === undefined || !VISIBLE.test(full) || isAmbiguousPath(withoutQuery(full))) return MALFORMED;
  if (withoutQuery(full) === '/healthz') return HEALTHZ;
  const path = [stage, shard].reduce(withoutFirstSegment, full);
  const [, first = '', second = ''] = withoutQuery(path).split('/', 3);
  const service = first === VERSION ? second : first;
  return services.includes(service) ? { kind: 'service', service, path } : UNKNOWN;
}

/** The path without its first segment, if that is `segment`. */
function withoutFirstSegment(path: string, segment: string | undefined): string {
  return segment !== undefined && path.startsWith(`/${segment}/`) ? path.slice(segment.length + 1) : path;
}
