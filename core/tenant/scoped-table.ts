import { DomainError } from '../errors.ts';
import { INDEXES, type Table, type Write } from '../ports/table.ts';
import { keyOf } from '../ports/table-rules.ts';
import { TENANT_ID } from './names.ts';

/**
 * The only way to a tenant's data: a handle in which another tenant's key cannot be used. Every partition named, in the
 * table and in its indexes, must be `<tenantId>` or begin with `<tenantId>#`, as LeadingKeys demands on AWS.
 * What comes back throws ACCESS_DENIED otherwise, before anything is read or written.
 * Throws INVALID for an id that no server made: one with '#' in it would reach into another tenant's partitions.
 */
export function scopedTable(table: Table, tenantId: string): Table {
  if (!TENANT_ID.test(tenantId)) throw new DomainError('INVALID', 'a tenant-scoped handle needs a tenant id');
  const prefix = `${tenantId}#`;

  const demandOwn = (pk: string): void => {
    if (pk !== tenantId && !pk.startsWith(prefix)) {
      throw new DomainError('ACCESS_DENIED', 'this key does not belong to the tenant that the handle is for');
    }
  };

  return {
    async get(key) {
      demandOwn(key.pk);
      return table.get(key);
    },
    async query(query) {
      demandOwn(query.pk);
      return table.query(query);
    },
    async transact(writes) {
      for (const pk of writes.flatMap(partitionsOf)) demandOwn(pk);
      return table.transact(writes);
    },
  };
}

function partitionsOf(write: Write): string[] {
  const indexed = 'put' in write ? INDEXES.flatMap((name) => write.put.indexes?.[name]?.pk ?? []) : [];
  return [keyOf(write).pk, ...indexed];
}
