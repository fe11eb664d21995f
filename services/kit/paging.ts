import { hash } from 'node:crypto';
import * as z from 'zod';
import { invalid } from './problem.ts';

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;

/** The query of every list; extend it with filters. */
export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).describe('Most items of one page.'),
  next_token: z
    .string()
    .max(1024)
    .optional()
    .describe('The `next_token` of the page before, unchanged. Empty means the first page.'),
});
export type ListQuery = z.output<typeof ListQuery>;

/** A list's answer: `next_token` is there if and only if more follows. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next_token: z.string().optional() });
}

const CHECK_LENGTH = 11;

/**
 * The opaque token that leads to what follows `after` in the list `scope` (tenant, collection and filters).
 * Its check makes a mangled or misplaced token an error; it keeps no secret and guards nothing, the scoped handle does.
 */
export function encodeToken(scope: string, after: string): string {
  return Buffer.from(check(scope, after) + after).toString('base64url');
}

/** @returns where to go on, or undefined for the first page. Throws INVALID for a token that is not of this list. */
export function decodeToken(scope: string, token: string | undefined): string | undefined {
  if (!token) return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  const after = text.slice(CHECK_LENGTH);
  // Decoding is lenient; only the very token we made is taken.
  if (after && encodeToken(scope, after) === token) return after;
  throw invalid(['query', 'next_token'], 'must be the next_token of a page of this very list');
}

function check(scope: string, after: string): string {
  return hash('sha256', `${scope}\n${after}`, 'base64url').slice(0, CHECK_LENGTH);
}
