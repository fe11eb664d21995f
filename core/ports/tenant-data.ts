import type { MaybePending } from '../progress/pending.ts';
import type { TierName } from '../tier/tiers.ts';

/**
 * The data of tenants. A silo tenant has its own store: a directory or tables. A pooled tenant has items in the stores that
 * it shares. Every method is idempotent, and throws INVALID for an id that does not match its pattern (core/tenant/ids.ts).
 */
export interface TenantData {
  /** Creates the tenant's own store, as its tier has it. Resolves to nothing when it exists. */
  ensure(tenantId: string, tier: TierName): Promise<MaybePending>;
  /** Whether the tenant has its own store, or an item in a pooled one. */
  has(tenantId: string): Promise<boolean>;
  /**
   * Deletes all data of the tenant, in its own store and in pooled ones. Resolves to nothing when none are left. Throws CONFLICT
   * while services of the tenant run, because they could write again.
   */
  delete(tenantId: string): Promise<MaybePending>;
  /**
   * Refuses the tenant's further writes to pooled stores, for good. Call it before the last `delete` of an offboarding.
   * `delete` alone does not close: a failed onboarding is deleted too, and may be repeated under the same id.
   */
  close(tenantId: string): Promise<void>;
}
