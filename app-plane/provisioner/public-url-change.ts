import { type Key, put, type Table } from '../../core/ports/table.ts';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';
import { loadPlacement, type Placement, placementItem, placementsOf } from './placement.ts';

const KEY: Key<{ readonly publicUrl: string }> = { pk: 'placement-public-url', sk: 'public-url' };

/**
 * Issuers and addresses begin with the front door's URL, and every tenant's public configuration holds them. Where the
 * URL is not the one of the last start, all ready tenants are to be announced once more. Idempotent: cut off half-way,
 * the next start begins again.
 * @returns the tenants to look at
 */
export async function queueAfterPublicUrlChange(table: Table, publicUrl: string): Promise<readonly Placement[]> {
  const known = await table.get(KEY);
  if (known?.data.publicUrl === publicUrl) return [];
  const marked: Placement[] = [];
  if (known) {
    for (const tier of TIER_NAMES) {
      for await (const placement of placementsOf(table, tier)) {
        if (placement.phase === 'ready') marked.push(...(await markUnannounced(table, placement.tenantId)));
      }
    }
  }
  await table.transact([put({ ...KEY, version: (known?.version ?? 0) + 1, data: { publicUrl } })]);
  return marked;
}

async function markUnannounced(table: Table, tenantId: string): Promise<Placement[]> {
  const item = await loadPlacement(table, tenantId);
  if (item?.data.phase !== 'ready') return [];
  const placement: Placement = { ...item.data, unannounced: true, nextAttemptAt: 0 };
  await table.transact([put(placementItem(placement, item.version + 1), { version: item.version })]);
  return [placement];
}
