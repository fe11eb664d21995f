import type { ServiceKey } from '../../../../core/ports/runtime.ts';
import { type Key, put, type Table } from '../../../../core/ports/table.ts';
import { deleteAll } from '../../../../core/ports/table-deletion.ts';

interface ScaleOverride {
  readonly desired: number;
}

const PK = 'runtime#scale';

const keyOf = ({ cluster, tenantId, service }: ServiceKey): Key<ScaleOverride> => ({
  pk: PK,
  sk: `${tenantId ?? 'pooled'}/${cluster}/${service}`,
});

/** Task counts set by an operator. They take precedence over the tier's. */
export class ScaleOverrides {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async of(key: ServiceKey): Promise<number | undefined> {
    return (await this.#table.get(keyOf(key)))?.data.desired;
  }

  async set(key: ServiceKey, desired: number): Promise<void> {
    await this.#table.transact([put({ ...keyOf(key), version: 1, data: { desired } })]);
  }

  async clear(key: ServiceKey): Promise<void> {
    await this.#table.transact([{ delete: keyOf(key) }]);
  }

  async clearTenant(tenantId: string): Promise<void> {
    await deleteAll(this.#table, { pk: PK, prefix: `${tenantId}/` });
  }
}
