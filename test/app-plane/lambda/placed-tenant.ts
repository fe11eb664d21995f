import { placementItem } from '../../../app-plane/provisioner/placement.ts';
import { put, type Write } from '../../../core/ports/table.ts';
import { type Route, routeKey } from '../../../core/routing/registry.ts';

/** The records of the application plane about a pooled tenant that is ready. @param change replaces properties of the route */
export function placedTenant(
  { tenantId, name, slug }: { readonly tenantId: string; readonly name: string; readonly slug: string },
  change: Partial<Route> = {},
): readonly Write[] {
  const spec = {
    tenantId,
    registrationId: tenantId,
    name,
    slug,
    tier: 'basic',
    email: `admin@${slug}.example`,
  } as const;
  const pooled = { realm: 'pool', cluster: 'pool', silo: false } as const;
  const route: Route = { tenantId, slug, tier: 'basic', state: 'active', ...pooled, ...change };
  const placement = placementItem(
    {
      ...{ tenantId, registrationId: tenantId, spec, desired: 'present', phase: 'ready' },
      ...{ steps: [], attempts: 0, acceptedAt: 0 },
    },
    1,
  );
  return [put({ ...routeKey(tenantId), version: 1, data: route }), put(placement)];
}
