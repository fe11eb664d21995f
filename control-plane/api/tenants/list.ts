import { defined } from '../../../core/defined.ts';
import { slugOf } from '../../../core/tenant/names.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import type { StoreDeps } from '../http/deps.ts';
import type { TenantQuery } from './requests.ts';
import { listTenants } from './tenant-store.ts';

/** One page of tenants, each rendered by `view`. */
export async function tenantPage<V>(
  deps: StoreDeps,
  query: TenantQuery,
  view: (record: TenantRecord) => V,
): Promise<{ data: V[]; next_token?: string }> {
  const { items, next } = await listTenants(deps, {
    limit: query.limit,
    includeDeleted: query.include === 'deleted',
    ...defined({ token: query.next_token, state: query.state, tier: query.tier }),
    ...(query.name !== undefined && { slugPrefix: slugOf(query.name) }),
  });
  return { data: items.map(view), ...(next !== undefined && { next_token: next }) };
}
