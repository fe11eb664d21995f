import { decodeBase64Url, encodeBase64Url } from '../encoding/base64url.ts';
import { DomainError, type FieldIssue } from '../errors.ts';

const CHECK_LENGTH = 7;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const LOC: FieldIssue['loc'] = ['query', 'next_token'];
const RULE = 'must be the next_token of a page of this list';

/** The longest `next_token` that a list accepts, in characters. */
export const MAX_PAGE_TOKEN = 2_048;

/**
 * The opaque `next_token` of the page that begins after `position`. `list` names the list: its collection, tenant and filters.
 * A checksum detects a changed token and a token of another list. It is not a security control: the store's handle is.
 */
export function encodePageToken(list: string, position: string): string {
  return encodeBase64Url(new TextEncoder().encode(checksum(list, position) + position));
}

/**
 * @param token absent or empty for the first page
 * @returns the position to continue after, or undefined for the first page
 * @throws BAD_PAGE_TOKEN for a token that `encodePageToken` did not make for this list
 */
export function decodePageToken(list: string, token: string | undefined): string | undefined {
  if (!token) return undefined;
  const position = textOf(token)?.slice(CHECK_LENGTH);
  // Decoding is lenient, so the token must equal the one that encodes the result.
  if (position && encodePageToken(list, position) === token) return position;
  throw badPageToken();
}

/** The error of a `next_token` that is not one of its list. */
export function badPageToken(): DomainError {
  const issues = [{ loc: LOC, type: 'value_error', msg: RULE }];
  return new DomainError('BAD_PAGE_TOKEN', `next_token ${RULE}`, { issues });
}

function textOf(token: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64Url(token));
  } catch {
    return undefined;
  }
}

/** FNV-1a (32 bits) of both texts, in base 36: http://www.isthe.com/chongo/tech/comp/fnv/. */
function checksum(list: string, position: string): string {
  let sum = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(`${list}\n${position}`)) sum = Math.imul(sum ^ byte, FNV_PRIME);
  return (sum >>> 0).toString(36).padStart(CHECK_LENGTH, '0');
}
