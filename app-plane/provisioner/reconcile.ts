import { createKeyedQueue } from '../../core/collections/keyed-queue.ts';
import { DomainError } from '../../core/errors.ts';
import type { Change, ResourceDriver } from '../../core/plan/resources.ts';
import { applyPlan } from './apply.ts';
import { remainingWaitMs } from './attempt-wait.ts';
import { Claim, isHeldByOther, Superseded } from './claim.ts';
import { kindsOf, withKinds } from './created-kinds.ts';
import { endError, endPending, endSuccess, type PassEndDeps } from './pass-end.ts';
import { again, DONE, failed, heldElsewhere, type PassResult } from './pass-result.ts';
import { loadPlacement, mustExist, type Placement, type PlacementItem, type PlacementPatch } from './placement.ts';
import { completedSteps } from './steps.ts';
import { desiredOf, planOf, type VerdictDeps, verdictOf } from './verdict.ts';

export interface ReconcileDeps extends VerdictDeps, PassEndDeps {
  readonly drivers: readonly ResourceDriver[];
  /** The holder of the leases. */
  readonly owner: string;
  /** true: no other process can work on the store. */
  readonly isSoleOwner: boolean;
  /** How soon to look again while another process holds the lease, in milliseconds. @default - when the lease ends */
  readonly leaseRetryMs?: number;
  /** Called with every claim that is taken, and with undefined when it is released. */
  readonly onClaim: (claim: Claim | undefined, tenantId: string) => void;
  /** Whether the tenant must be tried at once, because the platform has started and waits for it. */
  readonly isRestoring: (tenantId: string) => boolean;
}

export interface Reconciler {
  /**
   * Brings a tenant closer to its desired state, from any state. Safe to call at any time and from any process: a caller
   * that does not get the lease gets the time of its next call. Never waits for work that goes on elsewhere.
   */
  reconcile(tenantId: string): Promise<PassResult>;
  /** What `reconcile` would change now. Empty for a tenant that was never accepted. */
  plan(tenantId: string): Promise<readonly Change[]>;
}

export function createReconciler(deps: ReconcileDeps): Reconciler {
  /** The lease keeps other processes away from a tenant; the queue serialises within this one. */
  const inTurn = createKeyedQueue();
  return {
    reconcile: (tenantId) => inTurn(tenantId, () => reconcile(tenantId, deps)),
    plan: (tenantId) => planOf(tenantId, deps),
  };
}

async function reconcile(tenantId: string, deps: ReconcileDeps): Promise<PassResult> {
  const item = await loadPlacement(deps.table, tenantId);
  if (!item || item.data.phase === 'gone') return DONE;
  const givenUp = givenUpReason(item.data, deps);
  if (givenUp !== undefined) return failed(givenUp);
  const wait = waitOf(item.data, deps);
  if (wait) return wait;
  if (await isConverged(item.data, deps)) return DONE;
  try {
    const result = await withClaim(item, deps);
    await deps.checkpoint('finished', tenantId);
    return result;
  } catch (error) {
    if (error instanceof Superseded) return again(0);
    throw error;
  }
}

/** Why nothing happens until somebody asks again, or undefined. A start asks again for the tenants that it restores. */
function givenUpReason(
  { tenantId, phase, failure, updateFailure }: Placement,
  deps: ReconcileDeps,
): string | undefined {
  if (phase === 'failed') return failure ?? 'no reason was recorded';
  return deps.isRestoring(tenantId) ? undefined : updateFailure;
}

/** Why no pass may begin now, or undefined. */
function waitOf(placement: Placement, deps: ReconcileDeps): PassResult | undefined {
  const now = deps.clock.now();
  // Whoever calls while work goes on elsewhere may know that it has ended.
  const isWaiting = placement.pending === undefined && !deps.isRestoring(placement.tenantId);
  const waitMs = isWaiting ? remainingWaitMs(placement, now) : 0;
  const heldFor = heldMs(placement, now, deps);
  if (heldFor > 0) return heldElsewhere(Math.max(heldFor, waitMs), placement.pending);
  return waitMs > 0 ? again(waitMs) : undefined;
}

function heldMs(placement: Placement, now: number, { owner, leaseRetryMs }: ReconcileDeps): number {
  if (!isHeldByOther(placement, owner, now)) return 0;
  return Math.min((placement.lease?.until ?? 0) - now, leaseRetryMs ?? Number.POSITIVE_INFINITY);
}

async function isConverged(placement: Placement, deps: ReconcileDeps): Promise<boolean> {
  if (placement.phase !== 'ready' || placement.nextAttemptAt !== undefined || placement.lease) return false;
  return (await verdictOf(placement, deps)).allowed.length === 0;
}

async function withClaim(item: PlacementItem, deps: ReconcileDeps): Promise<PassResult> {
  const { tenantId } = item.data;
  const { table, clock, owner, isSoleOwner } = deps;
  const claim = await Claim.take(table, clock, owner, item, { isSoleOwner, patch: newKinds(item.data, deps) });
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

/** The kinds that the pass may create and the placement does not know yet: the shape of a tier has changed. */
function newKinds(placement: Placement, deps: ReconcileDeps): PlacementPatch {
  const { createdKinds } = placement;
  const all = withKinds(placement, kindsOf(desiredOf(placement, deps)));
  return all === undefined || all.length === createdKinds?.length ? {} : { createdKinds: all };
}

/** One pass over a tenant: observe, plan, apply the policies and the changes, and end. */
async function pass(claim: Claim, deps: ReconcileDeps): Promise<PassResult> {
  const { placement } = claim;
  const inspection = await verdictOf(placement, deps);
  claim.complete(completedSteps(claim.steps, inspection));
  if (inspection.refusal !== undefined) throw new DomainError('FORBIDDEN', inspection.refusal);
  await deps.checkpoint('planned', placement.tenantId);
  // Before anything is created: a full cell refuses the tenant.
  const place = mustExist(placement) ? await deps.places.take(placement.spec) : undefined;
  const outcome = await applyPlan(inspection.allowed, claim, deps);
  if (outcome) return await endPending(claim, outcome, deps);
  return await endSuccess(claim, { ...inspection, place }, deps);
}
