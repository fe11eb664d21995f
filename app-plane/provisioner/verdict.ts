import { planTenant } from '../../core/plan/plan-tenant.ts';
import { applyPolicies, keepData, noDelete, type Policy, quota, type Verdict } from '../../core/plan/policies.ts';
import type { ObservedResource, Resource, ResourceDriver, TenantSpec } from '../../core/plan/resources.ts';
import type { Table } from '../../core/ports/table.ts';
import type { TierName } from '../../core/tier/tiers.ts';
import { admittedBefore, mustExist, type Placement } from './placement.ts';

export interface VerdictDeps {
  readonly table: Table;
  readonly drivers: readonly ResourceDriver[];
  readonly shapeOf: (spec: TenantSpec) => readonly Resource[];
  /** Most tenants of a tier. @default - no limit */
  readonly maxTenants: Partial<Record<TierName, number>>;
  /** true: nothing is ever deleted. */
  readonly noDelete: boolean;
}

/** Observes a tenant, plans its changes and applies the policies to the plan. Changes nothing. */
export async function verdictOf(placement: Placement, deps: VerdictDeps): Promise<Verdict> {
  const { tenantId } = placement;
  const resources = mustExist(placement) ? deps.shapeOf(placement.spec) : [];
  const observed = await observe(tenantId, driversFor(placement, resources, deps.drivers));
  return applyPolicies(planTenant({ tenantId, resources }, observed), await policiesFor(placement, deps));
}

/** A tenant that must exist keeps any data, so its data are observed only if its shape contains a data store. */
function driversFor(
  placement: Placement,
  shape: readonly Resource[],
  drivers: readonly ResourceDriver[],
): readonly ResourceDriver[] {
  if (!mustExist(placement)) return drivers;
  const isRelevant = (kind: Resource['kind']) => kind !== 'data' || shape.some((resource) => resource.kind === kind);
  return drivers.filter(({ kinds }) => kinds.some(isRelevant));
}

async function observe(tenantId: string, drivers: readonly ResourceDriver[]): Promise<ObservedResource[]> {
  return (await Promise.all(drivers.map((driver) => driver.observe(tenantId)))).flat();
}

async function policiesFor(placement: Placement, deps: VerdictDeps): Promise<Policy[]> {
  const deletion = deps.noDelete ? [noDelete] : [];
  if (!mustExist(placement)) return deletion;
  return [...(await admission(placement, placement.spec.tier, deps)), keepData, ...deletion];
}

/** A tenant that is ready has been admitted already. */
async function admission(placement: Placement, tier: TierName, { table, maxTenants }: VerdictDeps): Promise<Policy[]> {
  const max = maxTenants[tier];
  if (max === undefined || placement.phase === 'ready') return [];
  return [quota(tier, await admittedBefore(table, placement, tier, max), max)];
}
