import { systemRandom } from '../../../../adapters/shared/clock.ts';
import type { StoreDeps } from '../../../../control-plane/api/http/deps.ts';
import { getTenant, insertTenant } from '../../../../control-plane/api/tenants/tenant-store.ts';
import { OUTBOX } from '../../../../core/events/outbox-partitions.ts';
import type { Envelope } from '../../../../core/ports/event-bus.ts';
import type { Item } from '../../../../core/ports/table.ts';
import { IN_PROGRESS, type TenantRecord } from '../../../../core/tenant/record.ts';
import type { ManualClock } from '../../../support/manual-clock.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';

export const NOW = '2026-01-01T00:00:00.000Z';

/** Records of tenants in a table, without an API in front of them. */
export interface StoredTenants extends AsyncDisposable {
  readonly deps: StoreDeps & { readonly clock: ManualClock };
  /** Stores the tenant `acme0000` with these fields. */
  insert(fields?: Partial<TenantRecord>): Promise<TenantRecord>;
  item(tenantId?: string): Promise<Item<TenantRecord> | undefined>;
  /** Events that no publisher has taken yet, oldest first. */
  outbox(): Promise<Envelope[]>;
}

export async function openStoredTenants(): Promise<StoredTenants> {
  const { table, clock, close } = await openScratchTable();
  const deps = { table, clock, random: systemRandom };
  return {
    deps,
    async insert(fields = {}) {
      const record = tenantRecord(fields);
      await insertTenant(deps, record, []);
      return record;
    },
    item: (tenantId = 'acme0000') => getTenant(deps, tenantId),
    async outbox() {
      const { items } = await table.query({ ...OUTBOX, limit: 100 });
      return items.map(({ data }) => data);
    },
    [Symbol.asyncDispose]: close,
  };
}

export function tenantRecord(fields: Partial<TenantRecord> = {}): TenantRecord {
  return {
    ...{ tenantId: 'acme0000', tenantName: 'Acme', slug: 'acme', email: 'boss@acme.example', tier: 'basic' },
    ...{ state: 'active', active: true, registrationStatus: IN_PROGRESS },
    ...{ tenantExtras: {}, registrationExtras: {}, created: NOW, modified: NOW },
    ...fields,
  };
}
