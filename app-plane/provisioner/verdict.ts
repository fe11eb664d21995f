import { planTenant } from '../../core/plan/plan-tenant.ts';
import {
  applyPolicies,
  dryRun,
  keepData,
  noDelete,
  type Policy,
  quota,
  type Verdict,
} from '../../core/plan/policies.ts';
import type {
  Change,
  ObservedResource,
  ReleaseRequest,
  Resource,
  ResourceKind,
  ResourceObserver,
  TenantSpec,
} from '../../core/plan/resources.ts';
import type { Table } from '../../core/ports/table.ts';
import type { TierName } from '../../core/tier/tiers.ts';
import { kindsToObserve } from './created-kinds.ts';
import { admittedBefore, loadPlacement, mustExist, type Placement } from './placement.ts';
import { versionOf } from './release.ts';

export interface VerdictDeps {
  readonly table: Table;
  readonly drivers: readonly ResourceObserver[];
  readonly shapeOf: (spec: TenantSpec, version?: ReleaseRequest) => readonly Resource[];
  /** The release that new tenants get, where each keeps its own until it is updated. @default - all run the platform's */
  readonly currentRelease?: string;
  /** Most tenants of a tier. @default - no limit */
  readonly maxTenants: Partial<Record<TierName, number>>;
  /** true: nothing is ever deleted. */
  readonly noDelete: boolean;
}

/** A verdict with what it is based on. */
export interface Inspection extends Verdict {
  /** What the tenant must have. */
  readonly desired: readonly Resource[];
  readonly observed: readonly ObservedResource[];
  /** The plan before the policies. */
  readonly changes: readonly Change[];
}

/** Observes a tenant, plans its changes and applies the policies to the plan. Changes nothing. */
export async function verdictOf(placement: Placement, deps: VerdictDeps): Promise<Inspection> {
  const { tenantId } = placement;
  const desired = desiredOf(placement, deps);
  const observed = await observe(tenantId, kindsToObserve(placement, desired), deps.drivers);
  const changes = planTenant({ tenantId, resources: desired }, observed);
  return { ...applyPolicies(changes, await policiesFor(placement, deps)), desired, observed, changes };
}

/** What the next pass would change of a tenant, in order. Empty for a tenant that was never accepted. */
export async function planOf(tenantId: string, deps: VerdictDeps): Promise<readonly Change[]> {
  const item = await loadPlacement(deps.table, tenantId);
  if (!item) return [];
  const { allowed } = await verdictOf(item.data, deps);
  return applyPolicies(allowed, [dryRun]).withheld;
}

/** What the tenant must have: nothing if it must not exist. */
export function desiredOf(
  placement: Placement,
  { shapeOf, currentRelease }: Pick<VerdictDeps, 'shapeOf' | 'currentRelease'>,
): readonly Resource[] {
  return mustExist(placement) ? shapeOf(placement.spec, versionOf(placement, currentRelease)) : [];
}

/** Asks each driver for those of its kinds that are relevant, and no driver that has none. */
async function observe(
  tenantId: string,
  relevant: readonly ResourceKind[],
  drivers: readonly ResourceObserver[],
): Promise<ObservedResource[]> {
  const observations = drivers.map(async (driver) => {
    const kinds = driver.kinds.filter((kind) => relevant.includes(kind));
    return kinds.length > 0 ? await driver.observe(tenantId, kinds) : [];
  });
  return (await Promise.all(observations)).flat();
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
