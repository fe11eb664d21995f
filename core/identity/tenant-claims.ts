import type { Check } from '../ports/table.ts';
import type { TierName } from '../tier/tiers.ts';

/** What tokens need from the platform's record of a user's tenant. */
export interface TenantClaims {
  readonly tier: TierName;
  /** false: the tenant's users get no tokens and cannot be managed. */
  readonly active: boolean;
  /** The tenant's name, for mails and pages. */
  readonly name: string;
  /** Names the tenant in links. */
  readonly slug: string;
  /** The conditions under which the record stays as it is. */
  readonly basis: readonly Check[];
}

/** Undefined for an unknown tenant. */
export type TenantClaimsLookup = (tenantId: string) => Promise<TenantClaims | undefined>;
