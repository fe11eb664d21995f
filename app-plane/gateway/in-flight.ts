import type { UsagePlan } from '../../core/tier/tiers.ts';

/** Counts what tenants have under way at tasks they share with others. */
export interface InFlight {
  /**
   * Takes a place for one request of the tenant.
   * @returns how to give it back, once; undefined where the tenant holds all that it may
   */
  enter(tenantId: string, plan: Pick<UsagePlan, 'burst'>): (() => void) | undefined;
  /** Tenants with anything under way. */
  readonly tenants: number;
}

/** Places that every tenant has, however small its burst. */
const FEWEST = 16;

/**
 * A usage plan bounds how often a tenant calls, not how long its calls last: bodies that trickle in, or answers that
 * nobody reads, would hold ever more of the connections to a pooled task, until its neighbours find none. So nobody
 * holds more than twice the plan's burst.
 */
export function createInFlight(): InFlight {
  const held = new Map<string, number>();

  function leave(tenantId: string): void {
    const left = (held.get(tenantId) ?? 1) - 1;
    if (left > 0) held.set(tenantId, left);
    else held.delete(tenantId);
  }

  return {
    enter(tenantId, { burst }) {
      const count = held.get(tenantId) ?? 0;
      if (count >= Math.max(FEWEST, 2 * burst)) return undefined;
      held.set(tenantId, count + 1);
      let left = false;
      return () => {
        if (!left) leave(tenantId);
        left = true;
      };
    },
    get tenants() {
      return held.size;
    },
  };
}
