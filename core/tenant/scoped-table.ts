import { DomainError } from '../errors.ts';
import { INDEXES, type Table, type Write } from '../ports/table.ts';
import { keyOf } from '../ports/table-rules.ts';
import { transactIf } from '../retry/guarded-table.ts';
import { notClosed } from './closed.ts';
import { TENANT_ID } from './ids.ts';

/**
 * The only access to a tenant's data: a table that refuses the keys of other tenants. Every partition key, in the table
 * and in its indexes, must be `<tenantId>` or begin with `<tenantId>#`, as the LeadingKeys condition demands on AWS.
 * Otherwise every method throws ACCESS_DENIED before it reads or writes anything.
 *
 * `transact` throws FORBIDDEN once the tenant's data is deleted. This check takes one of the transaction's 100 writes.
 * Throws INVALID for an id that is not a tenant id: one that contains '#' would reach other tenants' partitions.
 */
export function scopedTable(table: Table, tenantId: string): Table {
  if (!TENANT_ID.test(tenantId))
    throw new DomainError('INVALID', `tenantId of a scoped table must match ${TENANT_ID.source}`);
  const prefix = `${tenantId}#`;
  const open = [notClosed(tenantId)];

  const requireOwn = (pk: string): void => {
    if (pk !== tenantId && !pk.startsWith(prefix)) {
      throw new DomainError('ACCESS_DENIED', 'the key must belong to the tenant of the scoped table');
    }
  };

  return {
    async get(key) {
      requireOwn(key.pk);
      return table.get(key);
    },
    async query(query) {
      requireOwn(query.pk);
      return table.query(query);
    },
    async transact(writes) {
      for (const pk of writes.flatMap(partitionsOf)) requireOwn(pk);
      if (writes.length === 0) return;
      if (!(await transactIf(table, writes, open))) throw new DomainError('FORBIDDEN', 'the tenant is deleted');
    },
  };
}

function partitionsOf(write: Write): string[] {
  const indexed = 'put' in write ? INDEXES.flatMap((name) => write.put.indexes?.[name]?.pk ?? []) : [];
  return [keyOf(write).pk, ...indexed];
}
