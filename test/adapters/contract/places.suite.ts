import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { placeOf } from '../../../core/plan/place.ts';
import type { Places } from '../../../core/ports/places.ts';
import { TIER_NAMES, TIERS } from '../../../tenant-templates/tiers.ts';

export interface OpenPlaces {
  /** Places for the tiers of TIERS, with room for a few tenants of each. */
  readonly places: Places;
  close(): Promise<void>;
}

/** What every adapter of the Places port must do. */
export function placesContract(name: string, open: () => Promise<OpenPlaces>): void {
  describe(`${name} as Places`, () => {
    let opened: OpenPlaces;
    let places: Places;
    beforeAll(async () => {
      opened = await open();
      places = opened.places;
    });
    afterAll(async () => opened.close());

    test.each(TIER_NAMES)('a tenant of tier %s has the realm, cluster and isolation of its tier', async (tier) => {
      const tenantId = `tenant1${tier}`;
      expect(await places.take({ tenantId, tier })).toMatchObject(placeOf(tenantId, TIERS[tier]));
    });

    test('a tenant keeps its place until it gives it back, also when it asks several times at once', async () => {
      const request = { tenantId: 'tenant00002', tier: 'premium' } as const;
      const first = await places.take(request);
      expect(await Promise.all([places.take(request), places.take(request)])).toEqual([first, first]);
      for (const _time of ['once', 'again']) await places.give(request.tenantId);
      expect(await places.take(request)).toMatchObject(placeOf(request.tenantId, TIERS.premium));
    });

    test('no two tenants have the same priority at a load balancer, even if they ask at the same time', async () => {
      const ids = Array.from({ length: 8 }, (_, i) => `tenant1000${i}`);
      const taken = await Promise.all(ids.map((tenantId) => places.take({ tenantId, tier: 'advanced' })));
      const priorities = taken.flatMap(({ shard }) => (shard ? [`${shard.number}/${shard.priority}`] : []));
      expect(new Set(priorities).size).toBe(priorities.length);
      for (const tenantId of ids) await places.give(tenantId);
    });

    test.each(['../etc', 'UPPER0000', 'short', '', 'tenant00001#'])('refuses the tenant id %j', async (tenantId) => {
      await expect(places.take({ tenantId, tier: 'basic' })).rejects.toMatchObject({ code: 'INVALID' });
      await expect(places.give(tenantId)).rejects.toMatchObject({ code: 'INVALID' });
    });
  });
}
