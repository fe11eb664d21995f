import { DomainError } from '../../../core/errors.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Table, Write } from '../../../core/ports/table.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { ServiceCredentials } from '../../support/service-credentials.ts';

export const TENANT = 'aaaaaaaa0000000000000000aa';
export const ANN = { userName: 'ann@a.test', email: 'ann@a.test', role: 'TenantUser', tenantId: TENANT };

/** A table that a test can make fail, and whose committed transactions it sees. */
export interface ObservedTable extends Table {
  failing: boolean;
  readonly transactions: (readonly Write[])[];
}

export interface ObservedScratch {
  readonly table: ObservedTable;
  readonly clock: ManualClock;
  close(): Promise<void>;
}

/** A user store over a credentials service, with the realm `pool` and no user. */
export interface UserStoreScene extends ObservedScratch {
  readonly credentials: ServiceCredentials;
  readonly identity: Identity;
}

export async function openUserStoreScene(): Promise<UserStoreScene> {
  const { table, clock, close } = await openObservedTable();
  const credentials = new ServiceCredentials();
  const identity = createUserStore({ table, clock, credentials });
  await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
  table.transactions.length = 0;
  return { table, clock, credentials, identity, close };
}

export async function openObservedTable(): Promise<ObservedScratch> {
  const { table: inner, clock, close } = await openScratchTable();
  const table: ObservedTable = {
    failing: false,
    transactions: [],
    get: (key) => inner.get(key),
    query: (query) => inner.query(query),
    async transact(writes) {
      if (table.failing) throw new DomainError('UNAVAILABLE', 'the table is gone');
      await inner.transact(writes);
      table.transactions.push(writes);
    },
  };
  return { table, clock, close };
}
