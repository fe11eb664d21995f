import type { TierName } from '../tier/tiers.ts';

/** What the platform's records say about the tenant of a user. */
export interface TenantClaims {
  readonly tier: TierName;
  /** false: the tenant's users get no tokens, and nobody manages them. */
  readonly active: boolean;
  /** The tenant's display name, for invitations. @default - the display name of the realm */
  readonly name?: string;
}

/** Undefined for an unknown tenant. */
export type TenantClaimsLookup = (tenantId: string) => Promise<TenantClaims | undefined>;
