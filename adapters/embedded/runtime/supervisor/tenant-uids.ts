import { DomainError } from '../../../../core/errors.ts';
import { type Item, type Key, put, type Table } from '../../../../core/ports/table.ts';
import { type Update, updateItem } from '../../../../core/retry/update-item.ts';
import { POOL_UID } from './isolation.ts';

interface StoredUid {
  readonly uid: number;
}

const PK = 'runtime#uids';
const COUNTER: Key<StoredUid> = { pk: PK, sk: 'last' };

const keyOf = (tenantId: string): Key<StoredUid> => ({ pk: PK, sk: `tenant#${tenantId}` });

/** User ids of silo tenants: one each, kept until the tenant is deleted, and never given to another tenant. */
export class TenantUids {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** The tenant's user id; allocated if it has none. */
  async of(tenantId: string): Promise<number> {
    return (await this.find(tenantId)) ?? (await this.#allocate(tenantId));
  }

  async #allocate(tenantId: string): Promise<number> {
    let allocated: number | undefined;
    const update = async (counter: Item<StoredUid> | undefined): Promise<Update<StoredUid> | undefined> => {
      allocated = await this.find(tenantId);
      if (allocated !== undefined) return undefined;
      const data = { uid: (counter?.data.uid ?? POOL_UID) + 1 };
      allocated = data.uid;
      return { item: { data }, also: [put({ ...keyOf(tenantId), version: 1, data }, 'absent')] };
    };
    // Each lost race means that another tenant got its user id.
    await updateItem(this.#table, COUNTER, update, { maxAttempts: Number.POSITIVE_INFINITY });
    if (allocated === undefined) throw new DomainError('INTERNAL', 'the update must allocate a user id');
    return allocated;
  }

  /** The tenant's user id, or undefined if it has none. */
  async find(tenantId: string): Promise<number | undefined> {
    return (await this.#table.get(keyOf(tenantId)))?.data.uid;
  }

  /** Call it only when no process and no file of the tenant remains. Idempotent. */
  async release(tenantId: string): Promise<void> {
    await this.#table.transact([{ delete: keyOf(tenantId) }]);
  }
}
