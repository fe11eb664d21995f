import type { RealmId } from '../ports/identity.ts';
import type { ClusterId } from '../ports/runtime.ts';
import type { Tier } from '../tier/tiers.ts';

/** Where a tenant lives. */
export interface Place {
  /** The realm that its users sign in to. */
  readonly realm: RealmId;
  /** The cluster that serves it. */
  readonly cluster: ClusterId;
  /** true: it has its own services and data; false: it shares the pooled ones. */
  readonly silo: boolean;
}

/** The place of a tenant, which follows from its tier's isolation alone. */
export function placeOf(tenantId: string, { isolation }: Pick<Tier, 'isolation'>): Place {
  switch (isolation) {
    case 'pool':
      return { realm: 'pool', cluster: 'pool', silo: false };
    case 'service':
      return { realm: 'pool', cluster: 'shared', silo: true };
    case 'cluster':
      return { realm: `tenant-${tenantId}`, cluster: `tenant-${tenantId}`, silo: true };
  }
}
