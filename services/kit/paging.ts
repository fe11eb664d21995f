import { hash } from 'node:crypto';
import * as z from 'zod';
import { invalid } from '../../core/http/parse.ts';

const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;

/** The query of a list; extend it with filters. */
export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).describe('Most items in one page.'),
  next_token: z
    .string()
    .max(1024)
    .optional()
    .describe('The `next_token` of the previous page, unchanged. Empty means the first page.'),
});
export type ListQuery = z.output<typeof ListQuery>;

const CHECK_LENGTH = 11;

/**
 * The opaque token for the items after `after` in the list `scope` (tenant, collection and filters).
 * Its checksum detects a changed token and a token of another list. It is not a security control: the scoped handle is.
 */
export function encodeToken(scope: string, after: string): string {
  return Buffer.from(check(scope, after) + after).toString('base64url');
}

/** @returns the item to continue after, or undefined for the first page. Throws INVALID for a token of another list. */
export function decodeToken(scope: string, token: string | undefined): string | undefined {
  if (!token) return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  const after = text.slice(CHECK_LENGTH);
  // Decoding is lenient, so the token must equal the one that encodes the result.
  if (after && encodeToken(scope, after) === token) return after;
  throw invalid(['query', 'next_token'], 'value_error', 'must be the next_token of a page of this list');
}

function check(scope: string, after: string): string {
  return hash('sha256', `${scope}\n${after}`, 'base64url').slice(0, CHECK_LENGTH);
}
