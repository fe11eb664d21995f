import { type Key, put, type Table } from '../../core/ports/table.ts';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';
import { loadPlacement, type Placement, placementItem, placementsOf } from './placement.ts';

const KEY: Key<{ readonly publicUrl: string }> = { pk: 'placement-public-url', sk: 'public-url' };

/**
 * Marks every ready tenant as unannounced if the public URL has changed since the last start, because a tenant's public
 * configuration contains it. Idempotent: if it is interrupted, the next start begins again.
 * @returns the marked tenants
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
  const { updateFailure: _, ...before } = item.data;
  const placement: Placement = { ...before, unannounced: true, nextAttemptAt: 0 };
  await table.transact([put(placementItem(placement, item.version + 1), { version: item.version })]);
  return [placement];
}
