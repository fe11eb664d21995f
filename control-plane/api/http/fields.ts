import * as z from 'zod';
import { parseTier } from '../../../core/tier/tiers.ts';
import { TIER_NAMES } from '../../../tenant-templates/tiers.ts';

/** A tier's name in any case of letters; parsed to the name that the tier table has. */
export const tier = z
  .string()
  .meta({ description: `${TIER_NAMES.join(', ')}; case-insensitive` })
  .transform((raw, context) => {
    const found = parseTier(raw, TIER_NAMES);
    if (found) return found;
    context.addIssue({
      code: 'custom',
      message: `must be one of ${TIER_NAMES.join(', ')}, got '${raw.slice(0, 40)}'`,
      params: { type: 'enum' },
    });
    return z.NEVER;
  });

/** A positive whole number in a query, with the issue types of pydantic. */
function count(limits: { readonly max?: number }) {
  return z
    .string()
    .transform((raw, context) => {
      if (/^\s*[+-]?\d{1,15}\s*$/.test(raw)) return Number(raw);
      context.addIssue({ code: 'custom', message: 'must be a whole number', params: { type: 'int_parsing' } });
      return z.NEVER;
    })
    .pipe(
      z
        .number()
        .gt(0, 'must be greater than 0')
        .lte(limits.max ?? Number.MAX_SAFE_INTEGER, `must be at most ${limits.max}`),
    )
    .optional()
    .meta({ type: 'integer', minimum: 1, ...(limits.max !== undefined && { maximum: limits.max }) });
}

/** SBT sets no maximum for `limit`; a page of ours never has more items than the store returns at once. */
export const MAX_PAGE = 1000;
const DEFAULT_PAGE = 10;

const nextToken = z
  .string()
  .optional()
  .transform((token) => token || undefined)
  .meta({ description: 'The `next_token` of the previous page. Empty means the first page.' });

/** The query of a list. A `limit` above 1,000 counts as 1,000. */
export const pageQuery = z.object({
  limit: count({}).transform((given) => Math.min(given ?? DEFAULT_PAGE, MAX_PAGE)),
  next_token: nextToken,
});

/** As `pageQuery`, but refuses a `limit` above `max`. */
export function pageQueryUpTo(max: number) {
  return z.object({ limit: count({ max }).transform((given) => given ?? DEFAULT_PAGE), next_token: nextToken });
}
