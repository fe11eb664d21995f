import { defined } from '../../../core/defined.ts';
import { isDomainError } from '../../../core/errors.ts';
import { slugOf } from '../../../core/fields/slug.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import type { StoreDeps } from '../http/deps.ts';
import type { TenantQuery } from './requests.ts';
import { listTenants } from './tenant-store.ts';

interface ViewPage<V> {
  readonly data: V[];
  readonly next_token?: string;
}

/** One page of tenants, each rendered by `view`. Throws BAD_PAGE_TOKEN. */
export async function tenantPage<V>(
  deps: StoreDeps,
  query: TenantQuery,
  view: (record: TenantRecord) => V,
): Promise<ViewPage<V>> {
  const { items, next } = await listTenants(deps, {
    limit: query.limit,
    includeDeleted: query.include === 'deleted',
    ...defined({ token: query.next_token, state: query.state, tier: query.tier }),
    ...(query.name !== undefined && { slugPrefix: slugOf(query.name) }),
  });
  return { data: items.map(view), ...(next !== undefined && { next_token: next }) };
}

/** SBT's list of tenants responds to an unknown `next_token` with an empty page; every other list refuses it. */
export async function emptyPageForUnknownToken<V>(read: () => Promise<ViewPage<V>>): Promise<ViewPage<V>> {
  try {
    return await read();
  } catch (error) {
    if (isDomainError(error, 'BAD_PAGE_TOKEN')) return { data: [] };
    throw error;
  }
}
