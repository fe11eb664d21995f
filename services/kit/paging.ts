import * as z from 'zod';
import { MAX_PAGE_TOKEN } from '../../core/http/page-token.ts';

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
