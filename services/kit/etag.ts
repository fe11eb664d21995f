import { DomainError } from '../../core/errors.ts';

/** A strong entity tag (RFC 9110, 8.8.3). */
export function etagOf(version: number | string): string {
  return `"${version}"`;
}

/**
 * Throws CONDITION_FAILED unless `ifMatch` is `*` or lists `etag`. Weak tags never match (RFC 9110, 13.1.1).
 * @param ifMatch the `If-Match` header; undefined allows any state
 */
export function requireMatch(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined || listed(ifMatch).some((tag) => tag === '*' || tag === etag)) return;
  throw new DomainError('CONDITION_FAILED', `If-Match must name the current entity tag, which is ${etag}`);
}

/** Whether the caller has this state already; compares weakly (RFC 9110, 13.1.2). */
export function isKnown(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false;
  return listed(ifNoneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
}

function listed(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}
