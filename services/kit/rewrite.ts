import { ConditionFailed, DomainError } from '../../core/errors.ts';
import type { Item, Key, Table, Write } from '../../core/ports/table.ts';
import { etagOf, requireMatch } from './etag.ts';

/** Lost races taken up again before the caller is asked to. */
const MAX_ATTEMPTS = 5;

/**
 * Reads an item and writes what `plan` makes of it, all or nothing, if nobody wrote in between; else reads again.
 *
 * @param plan the writes; the first one must be of this item, on condition of the version read
 * Throws NOT_FOUND; CONDITION_FAILED where `ifMatch` does not name the current version; ConditionFailed where another
 * write's condition did not hold; CONFLICT after five lost races.
 */
export async function rewrite<T extends object>(
  table: Table,
  target: { readonly key: Key<T>; readonly subject: string; readonly ifMatch: string | undefined },
  plan: (current: Item<T>) => readonly Write[],
): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = await table.get(target.key);
    if (!current) throw new DomainError('NOT_FOUND', `there is no such ${target.subject}`);
    requireMatch(target.ifMatch, etagOf(current.version));
    try {
      return await table.transact(plan(current));
    } catch (error) {
      if (!(error instanceof ConditionFailed && error.failed.includes(0))) throw error;
    }
  }
  throw new DomainError('CONFLICT', `this ${target.subject} is being changed by others; try again`);
}
