import { DomainError } from '../../../core/errors.ts';
import type { Guard } from '../../../core/ports/guard.ts';
import { isServed, type TenantState } from '../../../core/tenant/lifecycle.ts';
import { tenantKey } from '../../../core/tenant/record.ts';
import type { StoreDeps } from '../http/deps.ts';
import { getTenant } from './tenant-store.ts';

/** Throws CONFLICT for a tenant that is not active. */
export function requireServed(state: TenantState): void {
  if (!isServed(state)) throw new DomainError('CONFLICT', `The tenant must be active, but it is ${state}`);
}

/**
 * Permits changes while the tenant is active: a user who is created while the tenant is being deleted would outlive it.
 * The guard throws CONFLICT.
 */
export function servedTenantGuard(deps: StoreDeps, tenantId: string): Guard {
  return async () => {
    const item = await getTenant(deps, tenantId);
    requireServed(item?.data.state ?? 'deleted');
    return [{ check: tenantKey(tenantId), if: { version: item?.version ?? 0 } }];
  };
}
