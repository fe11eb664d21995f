import type { JsonObject } from '../ports/table.ts';
import type { TierName } from '../tier/tiers.ts';

/** What was accepted for a tenant; all that its shape is made from. */
export interface TenantSpec {
  readonly tenantId: string;
  readonly registrationId: string;
  readonly name: string;
  readonly slug: string;
  readonly tier: TierName;
  /** Of the first administrator. */
  readonly email: string;
}

/**
 * What a tenant may have, in the order it is created; deletion goes backwards. The key stands next to the route, so
 * that both are written in one transaction.
 */
export const RESOURCE_KINDS = ['user-pool', 'data', 'cluster', 'service', 'admin-user', 'api-key', 'route'] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

export interface Resource {
  readonly kind: ResourceKind;
  /** Unique among the tenant's resources of this kind. */
  readonly name: string;
  readonly tenantId: string;
  /** What must hold and can be observed; compared by value. No secrets. */
  readonly spec: JsonObject;
  /** What making it needs beyond `spec`; cannot be observed, so never compared. No secrets. @default - nothing */
  readonly inputs?: JsonObject;
}

/** All that a tenant shall have; no resources: it shall be gone. */
export interface DesiredState {
  readonly tenantId: string;
  readonly resources: readonly Resource[];
}

export interface Change {
  readonly action: 'create' | 'update' | 'delete';
  readonly resource: Resource;
}

/** Observes and changes the resources of some kinds. Every call is idempotent. */
export interface ResourceDriver {
  readonly kinds: readonly ResourceKind[];
  /** What the tenant has of these kinds now; nothing that is another's. */
  observe(tenantId: string): Promise<readonly Resource[]>;
  apply(change: Change): Promise<void>;
  /** Applies changes of one tenant that follow each other in a plan, all or none. @default - `apply`, one by one */
  applyAll?(changes: readonly Change[]): Promise<void>;
  /** Removes what of the tenant cannot be observed as a resource; the last act of an offboarding. @default - nothing */
  purge?(tenantId: string): Promise<void>;
}
