import { placeOf } from '../core/plan/place.ts';
import type { ReleaseRequest, Resource, TenantSpec } from '../core/plan/resources.ts';
import type { TierTable } from '../core/tier/tiers.ts';
import { SERVICES } from './tiers.ts';

/**
 * The resources that a tenant has because of its tier. A tenant of a pooled tier has no compute of its own: the pooled
 * services, which belong to the platform, serve it.
 * @param version where each tenant keeps its release until it is updated. @default - all tenants run the platform's release
 */
export function shapeOf(
  spec: TenantSpec,
  tiers: TierTable,
  services: readonly string[] = SERVICES,
  version?: ReleaseRequest,
): Resource[] {
  const tier = tiers[spec.tier];
  const { tenantId, email, name: tenantName, slug } = spec;
  const { realm, cluster, silo } = placeOf(tenantId, tier);
  const inputs = { tier: spec.tier, size: tier.task, ...spec.options, ...(version && { version }) };
  const release = version && { release: version.release };
  const resources: Resource[] = [
    { kind: 'admin-user', name: realm, tenantId, spec: {}, inputs: { email, tenantName, slug } },
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
      { kind: 'cluster', name: cluster, tenantId, spec: {}, inputs },
    );
  }
  if (silo) {
    resources.push({ kind: 'data', name: 'data', tenantId, spec: {}, inputs: { tier: spec.tier } });
    for (const service of services) {
      resources.push({
        kind: 'service',
        name: `${cluster}/${service}`,
        tenantId,
        spec: { cluster, service, ready: true, ...release },
        inputs,
      });
    }
  }
  return resources;
}
