import { placeOf } from '../../../core/plan/place.ts';
import type { Places } from '../../../core/ports/places.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import type { TierTable } from '../../../core/tier/tiers.ts';

/** Places of one machine: they follow from the tier alone, and there is always room. */
export function createPlaces(tiers: TierTable): Places {
  return {
    async take({ tenantId, tier }) {
      requireTenantId(tenantId);
      return placeOf(tenantId, tiers[tier]);
    },
    async give(tenantId) {
      requireTenantId(tenantId);
    },
  };
}
