import type { Key } from '../ports/table.ts';

/**
 * A permission to send one request with a tenant's API key, in order to see whether the key works. Written by the provisioner,
 * read by the authorizer of the API.
 */
export interface KeyCheck {
  readonly tenantId: string;
  readonly apiKey: string;
  /** It is void afterwards; epoch milliseconds. */
  readonly until: number;
}

/** The path of the API that serves such requests, and nothing else. */
export const KEY_CHECK_PATH = 'key-check';

const AUTHORIZATION = /^KeyCheck ([A-Za-z0-9_-]{43})$/;

/** The value of the `Authorization` header. @param ticket 256 random bits in base64url */
export function keyCheckAuthorization(ticket: string): string {
  return `KeyCheck ${ticket}`;
}

/** The ticket in an `Authorization` header, or undefined if it has none. */
export function ticketIn(authorization: string | undefined): string | undefined {
  return AUTHORIZATION.exec(authorization ?? '')?.[1];
}

export function keyCheckKey(ticket: string): Key<KeyCheck> {
  return { pk: `key-check#${ticket}`, sk: 'key-check' };
}
