import type { Place } from '../ports/places.ts';
import type { Tier } from '../tier/tiers.ts';

/** The place of the pooled services, and of every tenant that they serve. */
export const POOL_PLACE: Place = { realm: 'pool', cluster: 'pool', silo: false };

/** The place of a tenant, as far as it follows from its tier's isolation alone. */
export function placeOf(tenantId: string, { isolation }: Pick<Tier, 'isolation'>): Place {
  switch (isolation) {
    case 'pool':
      return POOL_PLACE;
    case 'service':
      return { realm: 'pool', cluster: 'shared', silo: true };
    case 'cluster':
      return { realm: `tenant-${tenantId}`, cluster: `tenant-${tenantId}`, silo: true };
  }
}
