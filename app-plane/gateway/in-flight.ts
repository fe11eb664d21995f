import type { UsagePlan } from '../../core/tier/tiers.ts';

/** Counts each tenant's requests in progress at pooled tasks. */
export interface InFlight {
  /**
   * Counts one more request of the tenant.
   * @returns a function to call when the request has ended, or undefined if the tenant is at its limit
   */
  enter(tenantId: string, plan: Pick<UsagePlan, 'burst'>): (() => void) | undefined;
  /** Number of tenants with a request in progress. */
  readonly tenants: number;
}

/** Every tenant may have this many requests in progress, however small its burst. */
const MIN_LIMIT = 16;

/**
 * Limits each tenant to twice the burst of its usage plan. The plan limits how often a tenant sends requests, not how
 * long they last: with slow uploads, or responses that it does not read, one tenant could occupy every connection to a
 * pooled task and leave none to other tenants.
 */
export function createInFlight(): InFlight {
  const counts = new Map<string, number>();

  function leave(tenantId: string): void {
    const remaining = (counts.get(tenantId) ?? 1) - 1;
    if (remaining > 0) counts.set(tenantId, remaining);
    else counts.delete(tenantId);
  }

  return {
    enter(tenantId, { burst }) {
      const count = counts.get(tenantId) ?? 0;
      if (count >= Math.max(MIN_LIMIT, 2 * burst)) return undefined;
      counts.set(tenantId, count + 1);
      let left = false;
      return () => {
        if (!left) leave(tenantId);
        left = true;
      };
    },
    get tenants() {
      return counts.size;
    },
  };
}
