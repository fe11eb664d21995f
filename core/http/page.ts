import * as z from 'zod';

/** A list response; `next_token` is present if and only if there are more items. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next_token: z.string().optional() });
}
