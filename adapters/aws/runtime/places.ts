import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { EMPTY_SHARD, freePlace, type ShardUse, withoutPlace, withPlace } from '../../../core/plan/cell.ts';
import { placeOf } from '../../../core/plan/place.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Place, PlaceRequest, Places, ShardPlace } from '../../../core/ports/places.ts';
import { type Check, type Item, type Key, put, type Table } from '../../../core/ports/table.ts';
import { type BackOff, backOffMs, chanceOf } from '../../../core/retry/back-off.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import type { Isolation, TierTable } from '../../../core/tier/tiers.ts';
import { pause } from '../../../core/time/wait.ts';

export interface PlacesOptions {
  /** The application plane's table. */
  readonly table: Table;
  readonly tiers: TierTable;
  /** Load balancers of the cell, at least 1. */
  readonly shards: number;
  readonly clock: Pick<Clock, 'after'>;
  readonly random: RandomBytes;
}

/** The place that a tenant has taken, in an item of its own. */
interface TakenPlace {
  readonly isolation: Isolation;
  readonly shard: ShardPlace;
}

/** Each lost race means that another tenant got its place. */
const MAX_ATTEMPTS = 30;
const BACK_OFF: BackOff = { baseMs: 10, maxMs: 1_000 };

function shardKey(number: number): Key<ShardUse> {
  return { pk: `shard#${number}`, sk: 'shard' };
}

function takenKey(tenantId: string): Key<TakenPlace> {
  return { pk: `place#${tenantId}`, sk: 'place' };
}

/**
 * Places in a cell: one item per shard, written on condition of its version, and one item per tenant, so that a tenant keeps
 * its place. A tenant takes its place in one transaction that fails if any shard has changed, so limits of the cell hold too.
 */
export function openPlaces({ table, tiers, shards, clock, random }: PlacesOptions): Places {
  const retrying = { clock, random };
  const numbers = Array.from({ length: shards }, (_, i) => i + 1);

  async function take({ tenantId, tier }: PlaceRequest): Promise<Place> {
    requireTenantId(tenantId);
    const place = placeOf(tenantId, tiers[tier]);
    const { isolation } = tiers[tier];
    return retryOnConflict(retrying, async () => {
      const taken = await table.get(takenKey(tenantId));
      if (taken) return { ...place, shard: taken.data.shard };
      const items = await Promise.all(numbers.map((number) => table.get(shardKey(number))));
      const shard = freePlace(
        items.map((item) => item?.data ?? EMPTY_SHARD),
        isolation,
      );
      const data = { isolation, shard } satisfies TakenPlace;
      await table.transact([
        put({ ...takenKey(tenantId), version: 1, data }, 'absent'),
        ...items.map((item, i) => {
          if (i + 1 !== shard.number) return unchanged(shardKey(i + 1), item);
          const use = withPlace(item?.data ?? EMPTY_SHARD, isolation, shard);
          return replaced(shardKey(shard.number), item, use);
        }),
      ]);
      return { ...place, shard };
    });
  }

  async function give(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    await retryOnConflict(retrying, async () => {
      const taken = await table.get(takenKey(tenantId));
      if (!taken) return;
      const { isolation, shard } = taken.data;
      const item = await table.get(shardKey(shard.number));
      const use = withoutPlace(item?.data ?? EMPTY_SHARD, isolation, shard);
      await table.transact([
        { delete: takenKey(tenantId), if: { version: taken.version } },
        replaced(shardKey(shard.number), item, use),
      ]);
    });
  }

  return { take, give };
}

function unchanged(key: Key, item: Item<ShardUse> | undefined): Check {
  return { check: key, if: item ? { version: item.version } : 'absent' };
}

function replaced(key: Key, item: Item<ShardUse> | undefined, data: ShardUse) {
  const version = (item?.version ?? 0) + 1;
  return put({ ...key, version, data }, item ? { version: item.version } : 'absent');
}

/**
 * Runs `work`, which reads, decides and writes on condition of what it has read, until no other writer was faster. Backs off
 * between attempts. Throws UNAVAILABLE after MAX_ATTEMPTS. `updateItem` does not fit: a place changes two items.
 */
async function retryOnConflict<T>(
  { clock, random }: Pick<PlacesOptions, 'clock' | 'random'>,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      if (attempt === MAX_ATTEMPTS) {
        throw new DomainError('UNAVAILABLE', 'too many tenants take places at the same time', { cause: error });
      }
    }
    await pause(clock, backOffMs(attempt, BACK_OFF, chanceOf(random)));
  }
}
