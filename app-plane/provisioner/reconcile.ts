import { createKeyedQueue } from '../../core/collections/keyed-queue.ts';
import { DomainError, isDomainError } from '../../core/errors.ts';
import { outboxWrites } from '../../core/events/outbox.ts';
import { planTenant } from '../../core/plan/plan-tenant.ts';
import {
  applyPolicies,
  dryRun,
  keepData,
  noDelete,
  type Policy,
  quota,
  type Verdict,
} from '../../core/plan/policies.ts';
import type { Change, ObservedResource, Resource, TenantSpec } from '../../core/plan/resources.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { RealmConfig, RealmId } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { backOffMs, chanceOf, remainingMs } from '../../core/retry/back-off.ts';
import type { TierName } from '../../core/tier/tiers.ts';
import { type ApplyDeps, applyPlan, purge } from './apply.ts';
import { Claim, isHeldByOther, Superseded } from './claim.ts';
import { BACK_OFF, isTerminal, reasonOf } from './failures.ts';
import { type Allocations, admittedBefore, loadPlacement, type Placement } from './placement.ts';
import type { Outcome, Results } from './results.ts';

export interface ReconcileDeps extends ApplyDeps {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly results: Results;
  /** Whose lease it is. */
  readonly owner: string;
  readonly shapeOf: (spec: TenantSpec) => readonly Resource[];
  readonly placeOf: (spec: TenantSpec) => Allocations;
  readonly realmConfig: (realm: RealmId) => Promise<RealmConfig>;
  /** Failed tries before a way is given up. */
  readonly attempts: number;
  /** No new try at onboarding after this long, in milliseconds. */
  readonly onboardingMs: number;
  /** Most tenants of a tier. @default - no limit */
  readonly maxTenants: Partial<Record<TierName, number>>;
  /** Never delete anything. */
  readonly noDelete: boolean;
  /** Told of every claim that is taken and left, so that progress is live before it is written. */
  readonly onClaim: (claim: Claim | undefined, tenantId: string) => void;
}

/** Milliseconds after which to look again; undefined: nothing is left to be done. */
type RequeueAfter = number | undefined;

export interface Reconciler {
  /**
   * Brings one tenant nearer to what is wanted of it, from wherever it is. Safe to call at any time, by anyone: who
   * does not get the lease waits.
   */
  reconcile(tenantId: string): Promise<RequeueAfter>;
  /** The dry run: what reconcile would do to a tenant now. Empty for one that was never accepted. */
  plan(tenantId: string): Promise<readonly Change[]>;
}

export function createReconciler(deps: ReconcileDeps): Reconciler {
  const { table, clock, random, log, results, owner, drivers, checkpoint } = deps;

  /** The lease keeps other processes away from a tenant; the queue serialises within this one. */
  const inTurn = createKeyedQueue();
  const reconcile = (tenantId: string): Promise<RequeueAfter> => inTurn(tenantId, () => reconcileNow(tenantId));

  async function reconcileNow(tenantId: string): Promise<RequeueAfter> {
    const item = await loadPlacement(table, tenantId);
    if (!item || item.data.phase === 'failed' || item.data.phase === 'gone') return undefined;
    const wait = waitMs(item.data);
    if (wait > 0) return wait;
    if (await isConverged(item.data)) return undefined;
    try {
      const after = await withClaim(item);
      await checkpoint('finished', tenantId);
      return after;
    } catch (error) {
      if (error instanceof Superseded) return 0;
      throw error;
    }
  }

  function waitMs(placement: Placement): number {
    const now = clock.now();
    const held = isHeldByOther(placement, owner, now) ? (placement.lease?.until ?? 0) - now : 0;
    return Math.max(held, remainingMs(placement.nextAttemptAt ?? 0, now, BACK_OFF.maxMs));
  }

  async function isConverged(placement: Placement): Promise<boolean> {
    if (placement.phase !== 'ready' || placement.nextAttemptAt !== undefined || placement.lease) return false;
    return (await verdictOf(placement)).allowed.length === 0;
  }

  async function withClaim(item: Item<Placement>): Promise<RequeueAfter> {
    const { tenantId } = item.data;
    const claim = await Claim.take(table, clock, owner, item);
    deps.onClaim(claim, tenantId);
    try {
      await checkpoint('claimed', tenantId);
      await pursue(claim);
      return undefined;
    } catch (error) {
      if (error instanceof Superseded) throw error;
      return await afterFailure(claim, error);
    } finally {
      claim.close();
      deps.onClaim(undefined, tenantId);
    }
  }

  /** The story of a tenant: observe, plan, policy, apply, and the result with its event in one transaction. */
  async function pursue(claim: Claim): Promise<void> {
    const { placement } = claim;
    const { tenantId } = placement;
    const verdict = await verdictOf(placement);
    if (verdict.refusal !== undefined) throw new DomainError('FORBIDDEN', verdict.refusal);
    await checkpoint('planned', tenantId);
    await applyPlan(verdict.allowed, claim, deps);
    if (placement.wanted === 'absent') await endAbsent(claim, verdict);
    else if (placement.failure !== undefined) await endFailed(claim, placement.failure);
    else await endReady(claim);
  }

  async function verdictOf(placement: Placement): Promise<Verdict> {
    const { tenantId } = placement;
    const resources = isComing(placement) ? deps.shapeOf(placement.spec) : [];
    const observed = await observe(tenantId, isComing(placement) ? resources : undefined);
    return applyPolicies(planTenant({ tenantId, resources }, observed), await policiesFor(placement));
  }

  /** A tenant that is coming keeps any data, so only one whose shape has data of its own is asked for them. */
  async function observe(tenantId: string, shape: readonly Resource[] | undefined): Promise<ObservedResource[]> {
    const asked = drivers.filter(
      ({ kinds }) => !shape || kinds.some((kind) => kind !== 'data' || shape.some((one) => one.kind === kind)),
    );
    return (await Promise.all(asked.map((driver) => driver.observe(tenantId)))).flat();
  }

  async function policiesFor(placement: Placement): Promise<Policy[]> {
    const policies = deps.noDelete ? [noDelete] : [];
    if (!isComing(placement)) return policies;
    const { tier } = placement.spec;
    const max = deps.maxTenants[tier];
    const admitting = max !== undefined && placement.phase !== 'ready';
    const full = admitting ? [quota(tier, await admittedBefore(table, placement, tier, max), max)] : [];
    return [...full, keepData, ...policies];
  }

  async function endReady(claim: Claim): Promise<void> {
    const { placement } = claim;
    if (!isComing(placement)) return;
    const { tenantId } = placement;
    const allocations = deps.placeOf(placement.spec);
    const config = await deps.realmConfig(allocations.realm);
    await checkpoint('finish', tenantId);
    const told = placement.phase === 'ready' && !placement.unannounced;
    const events = told ? [] : [results.provisioned(outcomeOf(claim), placement.spec.name, config)];
    await claim.end(
      { phase: 'ready', allocations, attempts: 0, nextAttemptAt: undefined, unannounced: undefined },
      outboxWrites(events),
    );
    log.info({ tenantId, tier: placement.spec.tier, ms: clock.now() - placement.acceptedAt }, 'tenant is ready');
  }

  async function endAbsent(claim: Claim, { withheld }: Verdict): Promise<void> {
    const { tenantId, registrationId, acceptedAt } = claim.placement;
    if (withheld.length > 0)
      throw new DomainError('FORBIDDEN', 'nothing may be deleted here: the no-delete policy is on');
    await purge(claim, deps);
    await checkpoint('finish', tenantId);
    // The tombstone stays for ever: a dead letter may be replayed at any time, and must not revive the tenant.
    const nothing = { spec: undefined, allocations: undefined, nextAttemptAt: undefined, failure: undefined };
    const event = results.deprovisioned(outcomeOf(claim));
    await claim.end({ phase: 'gone', ...nothing, steps: [], attempts: 0 }, outboxWrites([event]));
    log.info({ tenantId, registrationId, ms: clock.now() - acceptedAt }, 'tenant is gone');
  }

  async function endFailed(claim: Claim, failure: string): Promise<void> {
    const { tenantId, wanted } = claim.placement;
    await checkpoint('finish', tenantId);
    const outcome = outcomeOf(claim);
    const event =
      wanted === 'absent' ? results.deprovisionFailed(outcome, failure) : results.provisionFailed(outcome, failure);
    await claim.end({ phase: 'failed', failure, attempts: 0, nextAttemptAt: undefined }, outboxWrites([event]));
    log.warn({ tenantId, reason: failure }, wanted === 'absent' ? 'offboarding failed' : 'onboarding failed');
  }

  /** Tries again while that may help; else cleans up what onboarding left behind, and then says that it failed. */
  async function afterFailure(claim: Claim, error: unknown): Promise<RequeueAfter> {
    const { placement } = claim;
    const { tenantId, phase, wanted, failure } = placement;
    const attempts = placement.attempts + 1;
    const wait = Math.round(backOffMs(attempts, BACK_OFF, chanceOf(random)));
    const now = clock.now();
    const reason = reasonIn(claim, error);
    log.warn({ tenantId, phase, attempts, reason, err: error }, 'reconcile failed');
    const coming = isComing(placement);
    const late = coming && now + wait > placement.acceptedAt + deps.onboardingMs;
    // Of a tenant that leaves, only what policy forbids is hopeless: a conflict is with itself, and passes.
    const barred = coming ? isTerminal(error) : isDomainError(error, 'FORBIDDEN');
    const hopeless = attempts >= deps.attempts || late || barred;
    if (phase === 'ready' || !hopeless) {
      const working = phase === 'accepted' ? 'provisioning' : phase;
      await claim.end({ phase: working, attempts, nextAttemptAt: now + wait });
      return wait;
    }
    if (coming) {
      await claim.end({ phase: 'provisioning', failure: reason, attempts: 0, nextAttemptAt: undefined });
      return 0;
    }
    await endFailed(claim, wanted === 'absent' ? reason : `${failure}; clean-up is incomplete: ${reason}`);
    return undefined;
  }

  return {
    reconcile,
    async plan(tenantId) {
      const item = await loadPlacement(table, tenantId);
      if (!item) return [];
      const { allowed } = await verdictOf(item.data);
      return applyPolicies(allowed, [dryRun]).withheld;
    },
  };
}

/** To be brought up or kept up; otherwise it is to be emptied. */
function isComing(placement: Placement): placement is Placement & { readonly spec: TenantSpec } {
  return placement.wanted === 'present' && placement.failure === undefined && placement.spec !== undefined;
}

function outcomeOf({ placement, steps }: Claim): Outcome {
  return { tenantId: placement.tenantId, registrationId: placement.registrationId, steps };
}

function reasonIn(claim: Claim, error: unknown): string {
  return claim.failedStep ? `could not ${claim.failedStep}: ${reasonOf(error)}` : reasonOf(error);
}
