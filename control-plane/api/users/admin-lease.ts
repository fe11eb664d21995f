import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { type Key, put } from '../../../core/ports/table.ts';
import { pause } from '../../../core/time/wait.ts';
import type { StoreDeps } from '../http/deps.ts';

const LEASE: Key = { pk: 'admin-lease', sk: 'lease' };
/** A holder that died gives the lease up after this long. */
const HELD_SECONDS = 10;
const RETRY_MS = 20;
const MAX_TRIES = 100;

/**
 * Runs one change of system users at a time, over all processes: two admins that remove each other at once would
 * otherwise each see the other one remain. Throws UNAVAILABLE if its turn does not come within 2 s.
 */
export async function withAdminLease<T>(deps: StoreDeps, run: () => Promise<T>): Promise<T> {
  await take(deps);
  try {
    return await run();
  } finally {
    await deps.table.transact([{ delete: LEASE }]);
  }
}

async function take({ table, clock }: StoreDeps): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const expiresAt = Math.ceil(clock.now() / 1000) + HELD_SECONDS;
    try {
      return await table.transact([put({ ...LEASE, version: 1, data: {}, expiresAt }, 'absent')]);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      await pause(clock, RETRY_MS);
    }
  }
  throw new DomainError('UNAVAILABLE', 'Another change of system users is under way; try again');
}
