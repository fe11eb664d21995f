import { DomainError } from '../../core/errors.ts';
import type { Item, Key, Table } from '../../core/ports/table.ts';
import { type Replacement, type Update, updateItem } from '../../core/retry/update-item.ts';
import { etagOf, requireMatch } from './etag.ts';

/** An item that a client changes. */
export interface Target<T extends object> {
  readonly key: Key<T>;
  /** What the item is called in messages. */
  readonly subject: string;
  /** The `If-Match` header; undefined allows any version. */
  readonly ifMatch: string | undefined;
}

/**
 * Updates an item that must exist, if the client's `If-Match` allows it; see `updateItem`.
 *
 * Throws NOT_FOUND; CONDITION_FAILED if `ifMatch` does not name the current version; ConditionFailed, with indexes into
 * `also`, if the condition of another write does not hold; CONFLICT if the item keeps changing.
 * @returns the item as written; undefined if it was deleted
 */
export function rewrite<T extends object>(
  table: Table,
  target: Target<T>,
  decide: (current: Item<NoInfer<T>>) => Replacement<NoInfer<T>>,
): Promise<Item<T>>;
export function rewrite<T extends object>(
  table: Table,
  target: Target<T>,
  decide: (current: Item<NoInfer<T>>) => Update<NoInfer<T>>,
): Promise<Item<T> | undefined>;
export function rewrite<T extends object>(
  table: Table,
  { key, subject, ifMatch }: Target<T>,
  decide: (current: Item<NoInfer<T>>) => Update<NoInfer<T>>,
): Promise<Item<T> | undefined> {
  return updateItem(
    table,
    key,
    (current) => {
      if (!current) throw new DomainError('NOT_FOUND', `${subject} not found`);
      requireMatch(ifMatch, etagOf(current.version));
      return decide(current);
    },
    {
      contended: (cause) =>
        new DomainError('CONFLICT', `this ${subject} is being changed by other requests; try again`, { cause }),
    },
  );
}
