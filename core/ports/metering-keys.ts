import type { MaybePending } from '../progress/pending.ts';
import type { TierName } from '../tier/tiers.ts';

/** The key by which a tenant's requests are counted. It is not an identity, and never leaves the platform. */
export interface MeteringKey {
  readonly tenantId: string;
  /** The tier whose usage plan limits the tenant. */
  readonly tier: TierName;
  /** At least 20 characters, which nobody can guess. */
  readonly value: string;
}

/**
 * The metering keys of tenants, where a service outside the platform counts requests. Embedded: the gateway counts by the key
 * in the route, so there is nothing to do. AWS: API keys of API Gateway.
 *
 * Every method is idempotent. Every method throws INVALID for a malformed tenant id, and UNAVAILABLE if a later call may
 * succeed.
 */
export interface MeteringKeys {
  /**
   * Where keys are.
   * - `table`: in the platform's own table alone. The methods do nothing.
   * - `service`: in a service of their own. Store the value before `ensure`, so that a repeated call names the same one.
   */
  readonly keptIn: 'table' | 'service';

  /**
   * The tenant has exactly this key, in the usage plan of the tier. Replaces a key with another value. Throws FORBIDDEN with
   * the reason when there is no room for another key. Pending: another call must follow, as new keys are limited per second.
   */
  ensure(key: MeteringKey): Promise<MaybePending>;
  /**
   * Whether requests are counted by a key that exists. Pending: the service does not know it everywhere yet, and refuses
   * requests with it; look again.
   */
  check(key: MeteringKey): Promise<MaybePending>;
  /** Moves the tenant's key to the usage plan of another tier. Throws NOT_FOUND if the tenant has no key. */
  move(tenant: Pick<MeteringKey, 'tenantId' | 'tier'>): Promise<void>;
  /** Deletes the tenant's key. A tenant without one is not an error. */
  delete(tenantId: string): Promise<void>;
}
