import type { Command } from 'commander';
import { wholeNumber } from './context.ts';
import { CliError } from './exit-codes.ts';
import { note } from './output.ts';

/** The API returns at most this many items in one page. */
export const PAGE_SIZE = 100;
/** How many items beyond the limit are counted. */
const MAX_COUNTED = 10_000;

export interface ListOptions {
  readonly limit?: number;
  readonly all?: boolean;
}

/** Adds `--limit` and `--all` to a command that lists items. */
export function addListOptions(command: Command): Command {
  return command
    .option('--limit <count>', 'list at most this many', wholeNumber('--limit', 1, 1_000_000))
    .option('--all', 'list all (default)');
}

/**
 * The items to list. Reads to the end, or to `--limit`; then reports on stderr how many more there are.
 * @param things what the items are, in the plural
 */
export async function itemsToList<T>(
  items: AsyncIterable<T>,
  { limit, all = false }: ListOptions,
  things: string,
): Promise<T[]> {
  if (all && limit !== undefined) throw new CliError('usage', 'give --all or --limit, not both');
  const found: T[] = [];
  let further = 0;
  for await (const item of items) {
    if (found.length < (limit ?? Number.POSITIVE_INFINITY)) found.push(item);
    else if (++further > MAX_COUNTED) break;
  }
  if (further > 0) note(cutNote(found.length, further, things));
  return found;
}

function cutNote(shown: number, further: number, things: string): string {
  const total = further > MAX_COUNTED ? `more than ${shown + MAX_COUNTED}` : shown + further;
  return `${shown} of ${total} ${things} are shown; --all shows all`;
}
