import { ConditionFailed, DomainError } from '../errors.ts';
import type { Guard } from '../ports/guard.ts';
import type { Check, Condition, Table, Write } from '../ports/table.ts';
import { keyOf } from '../ports/table-rules.ts';

/** Attempts of one transaction; each lost race means that the record of the caller, or of the tenant, has changed. */
const MAX_ATTEMPTS = 10;

/**
 * A table whose transactions commit only while `guard` permits it: reads the guard's conditions before each transaction,
 * and makes them part of it. If they have changed at the commit, asks the guard again.
 *
 * `transact` also throws what the guard throws, and UNAVAILABLE if the guard's records keep changing. The conditions count
 * towards the most writes of a transaction.
 */
export function guardedTable(table: Table, guard: Guard): Table {
  return {
    get: (key) => table.get(key),
    query: (query) => table.query(query),
    async transact(writes) {
      if (writes.length === 0) return;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        if (await transactIf(table, writes, await guard())) return;
      }
      throw new DomainError('UNAVAILABLE', 'the record of the caller keeps changing, try again');
    },
  };
}

/**
 * Commits the writes if all `checks` hold. A check may name an item that is also written.
 * Throws as `transact` does; the indexes of a ConditionFailed are those of `writes`.
 *
 * @returns false if a check does not hold; then nothing is written
 */
export async function transactIf(
  table: Pick<Table, 'transact'>,
  writes: readonly Write[],
  checks: readonly Check[],
): Promise<boolean> {
  const { transaction, checked } = withChecks(writes, checks);
  try {
    await table.transact(transaction);
    return true;
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    if (error.failed.some((index) => index >= writes.length || checked.has(index))) return false;
    throw error;
  }
}

/** A transaction names each key once. So the condition of a check on a written item moves into that write. */
function withChecks(
  writes: readonly Write[],
  checks: readonly Check[],
): { readonly transaction: readonly Write[]; readonly checked: ReadonlySet<number> } {
  const transaction = [...writes];
  const checked = new Set<number>();
  for (const check of checks) {
    const index = transaction.findIndex((write) => isSameKey(write, check));
    const write = transaction[index];
    if (!write) {
      transaction.push(check);
    } else if (write.if === undefined || implies(check.if, write.if)) {
      transaction[index] = { ...write, if: check.if };
      checked.add(index);
    } else if (!implies(write.if, check.if)) {
      // The write was decided from another state of the item than the check.
      throw new ConditionFailed([index]);
    }
  }
  return { transaction, checked };
}

function isSameKey(a: Write, b: Write): boolean {
  const [one, other] = [keyOf(a), keyOf(b)];
  return one.pk === other.pk && one.sk === other.sk;
}

/** Whether an item that meets `stronger` also meets `weaker`. */
function implies(stronger: Condition, weaker: Condition): boolean {
  if (typeof weaker === 'object') return typeof stronger === 'object' && stronger.version === weaker.version;
  return weaker === stronger || (weaker === 'present' && stronger !== 'absent');
}
