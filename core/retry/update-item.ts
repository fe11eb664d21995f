import { ConditionFailed, DomainError } from '../errors.ts';
import { type Check, type Item, type Key, put, type Table, type Write } from '../ports/table.ts';

/** An item without its key and version, which the update itself supplies. */
export type ItemContent<T extends object> = Pick<Item<T>, 'data' | 'indexes' | 'expiresAt'>;

/** What to write, decided from the item's current state. */
export interface Update<T extends object> {
  /** The item's new content; null deletes it. @default - the item stays as it is and only `also` is written */
  readonly item?: ItemContent<T> | null;
  /**
   * Conditions on other items that the decision relies on. If one does not hold any more, the update reads and decides
   * again. @default - none
   */
  readonly basis?: readonly Check[];
  /** Further writes of the same transaction. @default - none */
  readonly also?: readonly Write[];
  /**
   * The error if conditions of `also` do not hold. `failed` has their indexes into `also`.
   * @default - ConditionFailed with these indexes
   */
  readonly refusal?: (failed: readonly number[]) => Error | undefined;
}

/** An update after which the item exists. */
export interface Replacement<T extends object> extends Update<T> {
  readonly item: ItemContent<T>;
}

export interface UpdateOptions {
  /**
   * Attempts before the update fails. Infinity is safe where each lost race means that another writer succeeded.
   * @default 5
   */
  readonly maxAttempts?: number;
  /**
   * The error after the last attempt; `cause` is the failed condition of that attempt.
   * @default - a DomainError CONDITION_FAILED that names the key
   */
  readonly contended?: (cause: ConditionFailed) => Error;
}

type Decide<T extends object, U> = (current: Item<T> | undefined) => U | Promise<U>;
type Updatable = Pick<Table, 'get' | 'transact'>;

const MAX_ATTEMPTS = 5;

/**
 * Optimistic update: reads an item, decides, and writes on condition that the item, and the decision's basis, have not
 * changed since. If they have, reads and decides again.
 *
 * Throws what `decide` throws, without a retry. Throws the update's `refusal` if only a condition of `also` does not
 * hold.
 *
 * @param decide called once per attempt; undefined writes nothing
 * @returns the item as it is after the update; undefined if it does not exist then
 */
export function updateItem<T extends object>(
  table: Updatable,
  key: Key<T>,
  decide: Decide<NoInfer<T>, Replacement<NoInfer<T>>>,
  options?: UpdateOptions,
): Promise<Item<T>>;
export function updateItem<T extends object>(
  table: Updatable,
  key: Key<T>,
  decide: Decide<NoInfer<T>, Update<NoInfer<T>> | undefined>,
  options?: UpdateOptions,
): Promise<Item<T> | undefined>;
export async function updateItem<T extends object>(
  table: Updatable,
  key: Key<T>,
  decide: Decide<NoInfer<T>, Update<NoInfer<T>> | undefined>,
  { maxAttempts = MAX_ATTEMPTS, contended = keepsChanging(key, maxAttempts) }: UpdateOptions = {},
): Promise<Item<T> | undefined> {
  for (let attempt = 1; ; attempt++) {
    const current = await table.get<T>(key);
    const update = await decide(current);
    if (!update) return current;
    const { writes, after } = ownWrite(key, current, update.item);
    const contested = [...writes, ...(update.basis ?? [])];
    try {
      await table.transact([...contested, ...(update.also ?? [])]);
      return after;
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      const failed = error.failed.map((index) => index - contested.length);
      if (failed.every((index) => index >= 0)) throw update.refusal?.(failed) ?? new ConditionFailed(failed);
      if (attempt >= maxAttempts) throw contended(error);
    }
  }
}

/** The write of the item itself, on condition that the item is still the one read, and the item after it. */
function ownWrite<T extends object>(
  { pk, sk }: Key<T>,
  current: Item<T> | undefined,
  item: Update<T>['item'],
): { readonly writes: readonly Write[]; readonly after: Item<T> | undefined } {
  if (item === undefined) return { writes: [], after: current };
  const unchanged = current ? { version: current.version } : 'absent';
  if (item === null) return { writes: [{ delete: { pk, sk }, if: unchanged }], after: undefined };
  const after: Item<T> = { ...item, pk, sk, version: (current?.version ?? 0) + 1 };
  return { writes: [put<T>(after, unchanged)], after };
}

function keepsChanging({ pk, sk }: Key, attempts: number): (cause: ConditionFailed) => DomainError {
  const message = `item '${pk}', '${sk}' must not change during an update; it changed ${attempts} times in a row, try again`;
  return (cause) => new DomainError('CONDITION_FAILED', message, { cause });
}
