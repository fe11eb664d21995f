import type { Resource, TenantSpec } from '../core/plan/resources.ts';
import type { RealmId } from '../core/ports/identity.ts';
import type { ClusterId } from '../core/ports/runtime.ts';
import type { Tier, TierTable } from '../core/tier/tiers.ts';
import { SERVICES } from './tiers.ts';

/**
 * The resources of a tenant of its tier. A tenant of a pooled tier gets no compute: the pooled services serve it, which
 * belong to the platform and to no tenant.
 */
export function shapeOf(spec: TenantSpec, tiers: TierTable, services: readonly string[] = SERVICES): Resource[] {
  const tier = tiers[spec.tier];
  const { tenantId } = spec;
  const { realm, cluster, silo } = placeOf(tenantId, tier);
  const resources: Resource[] = [
    { kind: 'admin-user', name: realm, tenantId, spec: {}, inputs: { email: spec.email, tenantName: spec.name } },
    { kind: 'api-key', name: 'api-key', tenantId, spec: {} },
    {
      kind: 'route',
      name: 'route',
      tenantId,
      spec: { slug: spec.slug, tier: spec.tier, realm, cluster, silo, metered: true },
    },
  ];
  if (tier.isolation === 'cluster') {
    resources.push(
      { kind: 'user-pool', name: realm, tenantId, spec: {}, inputs: { displayName: spec.name } },
      { kind: 'cluster', name: cluster, tenantId, spec: {} },
    );
  }
  if (silo) {
    resources.push({ kind: 'data', name: 'data', tenantId, spec: {} });
    for (const service of services) {
      resources.push({
        kind: 'service',
        name: `${cluster}/${service}`,
        tenantId,
        spec: { cluster, service, ready: true },
        inputs: { tier: spec.tier, size: tier.task },
      });
    }
  }
  return resources;
}

/** The place of a tenant of this tier: the realm its users sign in to, the cluster that serves it, and whether alone. */
export function placeOf(
  tenantId: string,
  tier: Pick<Tier, 'isolation'>,
): { readonly realm: RealmId; readonly cluster: ClusterId; readonly silo: boolean } {
  switch (tier.isolation) {
    case 'pool':
      return { realm: 'pool', cluster: 'pool', silo: false };
    case 'service':
      return { realm: 'pool', cluster: 'shared', silo: true };
    case 'cluster':
      return { realm: `tenant-${tenantId}`, cluster: `tenant-${tenantId}`, silo: true };
  }
}
