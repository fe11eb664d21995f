import type { JsonObject } from '../ports/table.ts';

/** What a tenant may have, in the order it is created; deletion goes backwards. */
export const RESOURCE_KINDS = ['user-pool', 'api-key', 'data', 'cluster', 'service', 'admin-user', 'route'] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

export interface Resource {
  readonly kind: ResourceKind;
  /** Unique among the tenant's resources of this kind. */
  readonly name: string;
  readonly tenantId: string;
  /** What must hold; compared by value. No secrets. */
  readonly spec: JsonObject;
}

export interface Change {
  readonly action: 'create' | 'update' | 'delete';
  readonly resource: Resource;
}

/** Observes and changes the resources of some kinds. Every call is idempotent. */
export interface ResourceDriver {
  readonly kinds: readonly ResourceKind[];
  observe(tenantId: string): Promise<readonly Resource[]>;
  apply(change: Change): Promise<void>;
}
