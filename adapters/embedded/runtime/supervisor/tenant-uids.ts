import { isDomainError } from '../../../../core/errors.ts';
import { type Item, type Key, put, type Table } from '../../../../core/ports/table.ts';
import { POOL_UID } from './isolation.ts';

interface StoredUid {
  readonly uid: number;
}

const PK = 'runtime#uids';
const COUNTER: Key<StoredUid> = { pk: PK, sk: 'last' };

const keyOf = (tenantId: string): Key<StoredUid> => ({ pk: PK, sk: `tenant#${tenantId}` });

/** User ids of silo tenants: one each, kept until the tenant is gone, never given to another. */
export class TenantUids {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async of(tenantId: string): Promise<number> {
    for (;;) {
      const known = await this.#table.get(keyOf(tenantId));
      if (known !== undefined) return known.data.uid;
      const last = await this.#table.get(COUNTER);
      const uid = (last?.data.uid ?? POOL_UID) + 1;
      const counter: Item<StoredUid> = { ...COUNTER, version: (last?.version ?? 0) + 1, data: { uid } };
      try {
        await this.#table.transact([
          put(counter, last === undefined ? 'absent' : { version: last.version }),
          put({ ...keyOf(tenantId), version: 1, data: { uid } }, 'absent'),
        ]);
        return uid;
      } catch (error) {
        if (!isDomainError(error, 'CONDITION_FAILED')) throw error; // another tenant was quicker
      }
    }
  }

  async find(tenantId: string): Promise<number | undefined> {
    return (await this.#table.get(keyOf(tenantId)))?.data.uid;
  }

  /** Only once nothing of the tenant's runs or lies anywhere. Idempotent. */
  async forget(tenantId: string): Promise<void> {
    await this.#table.transact([{ delete: keyOf(tenantId) }]);
  }
}
