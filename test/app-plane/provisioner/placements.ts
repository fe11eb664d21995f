import type { Placement } from '../../../app-plane/provisioner/placement.ts';
import { placementItem } from '../../../app-plane/provisioner/placement.ts';
import { put, type Table } from '../../../core/ports/table.ts';

/** A placement of a premium tenant that was accepted at the time 0. */
export function placementOf(change: Partial<Placement> = {}): Placement {
  const { tenantId = 'acme0000' } = change;
  const registrationId = `reg-${tenantId}`;
  const spec = {
    tenantId,
    registrationId,
    name: 'Acme',
    slug: 'acme',
    tier: 'premium',
    email: 'a@acme.example',
  } as const;
  return {
    ...{ tenantId, registrationId, spec, desired: 'present', phase: 'accepted' },
    ...{ steps: [], attempts: 0, acceptedAt: 0 },
    ...change,
  };
}

export async function store(table: Table, placement: Placement): Promise<void> {
  await table.transact([put(placementItem(placement, 1), 'absent')]);
}
