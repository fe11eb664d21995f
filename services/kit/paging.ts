import * as z from 'zod';
import { decodePageToken, encodePageToken, MAX_PAGE_TOKEN } from '../../core/http/page-token.ts';

const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;

/** The query of a list; extend it with filters. */
export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).describe('Most items in one page.'),
  next_token: z
    .string()
    .max(MAX_PAGE_TOKEN)
    .optional()
    .describe('The `next_token` of the previous page, unchanged. Empty means the first page.'),
});
export type ListQuery = z.output<typeof ListQuery>;

/** A page as a store returns it. */
export interface StoredPage<T> {
  readonly items: readonly T[];
  /** Where the next page begins. Absent on the last page. */
  readonly next?: string;
}

/**
 * Responds to a list operation with one page, and with a token of the next one.
 *
 * @param list names the list and its filters; a token is valid only for the list that it was issued for
 * @param read reads the page that begins after the position `after`, or the first one
 * Throws BAD_PAGE_TOKEN for a token of another list or tenant.
 */
export async function respondWithPage<T>(
  { tenantId, list }: { readonly tenantId: string; readonly list: string },
  { limit, next_token }: ListQuery,
  read: (page: { readonly limit: number; readonly after: string | undefined }) => Promise<StoredPage<T>>,
): Promise<{ readonly status: 200; readonly body: { readonly data: T[]; readonly next_token?: string } }> {
  const scope = `${tenantId}/${list}`;
  const { items, next } = await read({ limit, after: decodePageToken(scope, next_token) });
  const more = next === undefined ? {} : { next_token: encodePageToken(scope, next) };
  return { status: 200, body: { data: [...items], ...more } };
}
