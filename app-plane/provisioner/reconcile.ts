import { createKeyedQueue } from '../../core/collections/keyed-queue.ts';
import { DomainError } from '../../core/errors.ts';
import { applyPolicies, dryRun } from '../../core/plan/policies.ts';
import type { Change } from '../../core/plan/resources.ts';
import { remainingMs } from '../../core/retry/back-off.ts';
import { applyPlan } from './apply.ts';
import { Claim, isHeldByOther, Superseded } from './claim.ts';
import { BACK_OFF } from './failures.ts';
import { endError, endPending, endSuccess, type PassEndDeps, type RequeueAfter } from './pass-end.ts';
import { loadPlacement, type Placement, type PlacementItem } from './placement.ts';
import { type VerdictDeps, verdictOf } from './verdict.ts';

export interface ReconcileDeps extends VerdictDeps, PassEndDeps {
  /** The holder of the leases. */
  readonly owner: string;
  /** Called with every claim that is taken, and with undefined when it is released. */
  readonly onClaim: (claim: Claim | undefined, tenantId: string) => void;
  /** Whether the tenant must be tried at once, because the platform has started and waits for it. */
  readonly isRestoring: (tenantId: string) => boolean;
}

export interface Reconciler {
  /**
   * Brings a tenant closer to its desired state, from any state. Safe to call at any time and from any process: a caller
   * that does not get the lease waits.
   */
  reconcile(tenantId: string): Promise<RequeueAfter>;
  /** What `reconcile` would change now. Empty for a tenant that was never accepted. */
  plan(tenantId: string): Promise<readonly Change[]>;
}

export function createReconciler(deps: ReconcileDeps): Reconciler {
  /** The lease keeps other processes away from a tenant; the queue serialises within this one. */
  const inTurn = createKeyedQueue();
  return {
    reconcile: (tenantId) => inTurn(tenantId, () => reconcile(tenantId, deps)),
    async plan(tenantId) {
      const item = await loadPlacement(deps.table, tenantId);
      if (!item) return [];
      const { allowed } = await verdictOf(item.data, deps);
      return applyPolicies(allowed, [dryRun]).withheld;
    },
  };
}

async function reconcile(tenantId: string, deps: ReconcileDeps): Promise<RequeueAfter> {
  const item = await loadPlacement(deps.table, tenantId);
  if (!item || item.data.phase === 'failed' || item.data.phase === 'gone') return undefined;
  const waitMs = waitMsOf(item.data, deps);
  if (waitMs > 0) return waitMs;
  if (await isConverged(item.data, deps)) return undefined;
  try {
    const after = await withClaim(item, deps);
    await deps.checkpoint('finished', tenantId);
    return after;
  } catch (error) {
    if (error instanceof Superseded) return 0;
    throw error;
  }
}

function waitMsOf(placement: Placement, { clock, owner, isRestoring }: ReconcileDeps): number {
  const now = clock.now();
  const isDue = placement.pending !== undefined || isRestoring(placement.tenantId);
  const nextAttemptAt = isDue ? 0 : (placement.nextAttemptAt ?? 0);
  const held = isHeldByOther(placement, owner, now) ? (placement.lease?.until ?? 0) - now : 0;
  return Math.max(held, remainingMs(nextAttemptAt, now, BACK_OFF.maxMs));
}

async function isConverged(placement: Placement, deps: ReconcileDeps): Promise<boolean> {
  if (placement.phase !== 'ready' || placement.nextAttemptAt !== undefined || placement.lease) return false;
  return (await verdictOf(placement, deps)).allowed.length === 0;
}

async function withClaim(item: PlacementItem, deps: ReconcileDeps): Promise<RequeueAfter> {
  const { tenantId } = item.data;
  const claim = await Claim.take(deps.table, deps.clock, deps.owner, item);
  deps.onClaim(claim, tenantId);
  try {
    await deps.checkpoint('claimed', tenantId);
    return await pass(claim, deps);
  } catch (error) {
    if (error instanceof Superseded) throw error;
    return await endError(claim, error, deps);
  } finally {
    claim.close();
    deps.onClaim(undefined, tenantId);
  }
}

/** One pass over a tenant: observe, plan, apply the policies and the changes, and end. */
async function pass(claim: Claim, deps: ReconcileDeps): Promise<RequeueAfter> {
  const { placement } = claim;
  const verdict = await verdictOf(placement, deps);
  if (verdict.refusal !== undefined) throw new DomainError('FORBIDDEN', verdict.refusal);
  await deps.checkpoint('planned', placement.tenantId);
  const outcome = await applyPlan(verdict.allowed, claim, deps);
  if (outcome) return await endPending(claim, outcome, deps);
  await endSuccess(claim, verdict, deps);
  return undefined;
}
