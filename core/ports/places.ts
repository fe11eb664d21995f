import type { TierName } from '../tier/tiers.ts';
import type { RealmId } from './identity.ts';

/** `pool` serves all pooled tenants, `shared` holds the services of tenants that have services but no cluster of their own. */
export type ClusterId = 'pool' | 'shared' | `tenant-${string}`;

/** Where a tenant lives. */
export interface Place {
  /** The realm that its users sign in to. */
  readonly realm: RealmId;
  /** The cluster that serves it. */
  readonly cluster: ClusterId;
  /** true: it has its own services and data; false: it shares the pooled ones. */
  readonly silo: boolean;
  /** How the load balancer finds the tenant. @default - this home has no load balancer */
  readonly shard?: ShardPlace;
}

/** A tenant's share of a load balancer. */
export interface ShardPlace {
  /** The number of the load balancer in its cell, from 1. */
  readonly number: number;
  /** Priority of the tenant's listener rule; no other tenant of the shard has it. @default - the pool's rule serves it */
  readonly priority?: number;
}

/** What decides about a tenant's place. */
export interface PlaceRequest {
  readonly tenantId: string;
  readonly tier: TierName;
}

/**
 * The capacity of a cell. Embedded: places are computed. AWS: one item per shard, written on condition of its version.
 * Take a place before you create anything for the tenant, and give it back when nothing is left of its deployment.
 */
export interface Places {
  /**
   * The tenant's place. Idempotent: the tenant keeps its place until `give`. Throws INVALID for a malformed id, FORBIDDEN
   * with the reason when the cell is full, and UNAVAILABLE when too many others take places at the same time.
   */
  take(tenant: PlaceRequest): Promise<Place>;
  /** Gives the place back. Idempotent. Throws INVALID for a malformed id. */
  give(tenantId: string): Promise<void>;
}
