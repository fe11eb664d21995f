import type { StoreDeps } from '../control-plane/api/http/deps.ts';
import { tenantBySlug } from '../control-plane/api/tenants/tenant-store.ts';
import type { TenantClaims } from '../core/identity/tenant-claims.ts';
import type { Table } from '../core/ports/table.ts';
import { isServed } from '../core/tenant/lifecycle.ts';
import { tenantKey } from '../core/tenant/record.ts';
import { DEMO_TENANTS } from './demo-progress.ts';
import type { DemoTenant } from './start-page.ts';

/** The tenant in tokens, mails and pages. Called for every token. */
export async function tenantClaims(table: Table, tenantId: string): Promise<TenantClaims | undefined> {
  const key = tenantKey(tenantId);
  const item = await table.get(key);
  if (!item) return undefined;
  const { tier, state, tenantName: name, slug } = item.data;
  const basis = [{ check: key, if: { version: item.version } }] as const;
  return { tier, active: isServed(state), name, slug, basis };
}

/** The tenant's name; undefined for an unknown tenant. */
export async function tenantName(table: Table, tenantId: string): Promise<string | undefined> {
  return (await table.get(tenantKey(tenantId)))?.data.tenantName;
}

/** The name of the active tenant with this slug; undefined if there is none. */
export async function nameOfSlug(deps: StoreDeps, slug: string): Promise<string | undefined> {
  const record = await tenantBySlug(deps, slug);
  return record && isServed(record.state) ? record.tenantName : undefined;
}

/** The demo tenants that exist, for the start page. */
export async function demoTenants(deps: StoreDeps): Promise<readonly DemoTenant[]> {
  const records = await Promise.all(DEMO_TENANTS.map(({ name }) => tenantBySlug(deps, name)));
  return records.flatMap((record) => {
    if (!record?.tenantConfig) return [];
    const { tenantId, tenantName: name, tier, state, email } = record;
    const { authServer } = JSON.parse(record.tenantConfig) as { authServer: string };
    return [{ tenantId, name, tier, state, email, authServer }];
  });
}
