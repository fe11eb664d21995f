import type { TenantClaims } from '../../core/identity/tenant-claims.ts';
import type { Table } from '../../core/ports/table.ts';
import { routeKey } from '../../core/routing/registry.ts';
import { isServed } from '../../core/tenant/lifecycle.ts';
import { loadPlacement } from '../provisioner/placement.ts';

/** The tenant in tokens and mails, from the application plane's own records: its route, and its placement for the name. */
export async function tenantClaims(table: Table, tenantId: string): Promise<TenantClaims | undefined> {
  const key = routeKey(tenantId);
  const [route, placement] = await Promise.all([table.get(key), loadPlacement(table, tenantId)]);
  if (!route || !placement) return undefined;
  const { tier, state, slug } = route.data;
  const basis = [{ check: key, if: { version: route.version } }] as const;
  return { tier, active: isServed(state), name: placement.data.spec?.name ?? slug, slug, basis };
}
