import { DomainError, isDomainError } from '../../core/errors.ts';
import { outboxWrites } from '../../core/events/outbox.ts';
import type { Pending } from '../../core/plan/pending.ts';
import type { Place } from '../../core/plan/place.ts';
import type { Verdict } from '../../core/plan/policies.ts';
import type { TenantSpec } from '../../core/plan/resources.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { RealmConfig, RealmId } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import { backOffMs, chanceOf } from '../../core/retry/back-off.ts';
import { type ApplyDeps, purge } from './apply.ts';
import type { Claim } from './claim.ts';
import { BACK_OFF, isTerminal, reasonOf } from './failures.ts';
import { mustExist, type Placement } from './placement.ts';
import type { Outcome, Results } from './results.ts';

/**
 * What the end of a pass over a tenant needs. Every end writes the placement, releases the lease and sends the event in one
 * transaction.
 */
export interface PassEndDeps extends ApplyDeps {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly results: Results;
  readonly placeOf: (spec: TenantSpec) => Place;
  readonly realmConfig: (realm: RealmId) => Promise<RealmConfig>;
  /** Failed attempts after which an onboarding or offboarding is given up. */
  readonly attempts: number;
  /** An onboarding is not attempted again later than this after its acceptance, in milliseconds. */
  readonly onboardingMs: number;
}

/** Milliseconds after which to look at the tenant again; undefined: nothing is left to do. */
export type RequeueAfter = number | undefined;

/** All changes are applied: the tenant is in its desired state. */
export async function endSuccess(claim: Claim, verdict: Verdict, deps: PassEndDeps): Promise<void> {
  const { placement } = claim;
  if (placement.desired === 'absent') await endAbsent(claim, verdict, deps);
  else if (placement.failure !== undefined) await endFailed(claim, placement.failure, deps);
  else await endReady(claim, deps);
}

/** The work goes on elsewhere. The attempt has not failed, so the number of failed attempts stays as it is. */
export async function endPending(claim: Claim, outcome: Pending, { clock }: PassEndDeps): Promise<RequeueAfter> {
  const { phase } = claim.placement;
  const { pending, lookAgainMs } = outcome;
  const working = phase === 'accepted' ? 'provisioning' : phase;
  await claim.end({ phase: working, pending, nextAttemptAt: clock.now() + lookAgainMs });
  return lookAgainMs;
}

async function endReady(claim: Claim, deps: PassEndDeps): Promise<void> {
  const { placement } = claim;
  if (!mustExist(placement)) return;
  const { tenantId, spec } = placement;
  const allocations = deps.placeOf(spec);
  const config = await deps.realmConfig(allocations.realm);
  await deps.checkpoint('finish', tenantId);
  const isAnnounced = placement.phase === 'ready' && !placement.unannounced;
  const events = isAnnounced ? [] : [deps.results.provisioned(outcomeOf(claim), spec.name, config)];
  await claim.end(
    { phase: 'ready', allocations, attempts: 0, nextAttemptAt: undefined, pending: undefined, unannounced: undefined },
    outboxWrites(events),
  );
  deps.log.info({ tenantId, tier: spec.tier, ms: deps.clock.now() - placement.acceptedAt }, 'tenant is ready');
}

async function endAbsent(claim: Claim, { withheld }: Verdict, deps: PassEndDeps): Promise<void> {
  const { tenantId, registrationId, acceptedAt } = claim.placement;
  if (withheld.length > 0) throw new DomainError('FORBIDDEN', 'the no-delete policy forbids removing the tenant');
  await purge(claim, deps);
  await deps.checkpoint('finish', tenantId);
  // The tombstone stays forever: a dead letter may be replayed at any time and must not revive the tenant.
  const nothing = {
    spec: undefined,
    allocations: undefined,
    nextAttemptAt: undefined,
    pending: undefined,
    failure: undefined,
  };
  const event = deps.results.deprovisioned(outcomeOf(claim));
  await claim.end({ phase: 'gone', ...nothing, steps: [], attempts: 0 }, outboxWrites([event]));
  deps.log.info({ tenantId, registrationId, ms: deps.clock.now() - acceptedAt }, 'tenant is gone');
}

async function endFailed(claim: Claim, failure: string, { checkpoint, results, log }: PassEndDeps): Promise<void> {
  const { tenantId, desired } = claim.placement;
  await checkpoint('finish', tenantId);
  const outcome = outcomeOf(claim);
  const event =
    desired === 'absent' ? results.deprovisionFailed(outcome, failure) : results.provisionFailed(outcome, failure);
  await claim.end(
    { phase: 'failed', failure, attempts: 0, nextAttemptAt: undefined, pending: undefined },
    outboxWrites([event]),
  );
  log.warn({ tenantId, reason: failure }, desired === 'absent' ? 'offboarding failed' : 'onboarding failed');
}

/**
 * The pass failed. Retries as long as a retry may help. Otherwise a failed onboarding is cleaned up by the next pass,
 * and then reported; a failed offboarding, or a failed clean-up, is reported at once.
 */
export async function endError(claim: Claim, error: unknown, deps: PassEndDeps): Promise<RequeueAfter> {
  const { placement } = claim;
  const { tenantId, phase, desired, failure } = placement;
  const attempts = placement.attempts + 1;
  const waitMs = Math.round(backOffMs(attempts, BACK_OFF, chanceOf(deps.random)));
  const reason = reasonIn(claim, error);
  deps.log.warn({ tenantId, phase, attempts, reason, err: error }, 'reconcile failed');
  if (phase === 'ready' || mayRetry(placement, error, { attempts, waitMs }, deps)) {
    const working = phase === 'accepted' ? 'provisioning' : phase;
    await claim.end({ phase: working, attempts, nextAttemptAt: deps.clock.now() + waitMs, pending: undefined });
    return waitMs;
  }
  if (mustExist(placement)) {
    await claim.end({
      phase: 'provisioning',
      failure: reason,
      attempts: 0,
      nextAttemptAt: undefined,
      pending: undefined,
    });
    return 0;
  }
  await endFailed(claim, desired === 'absent' ? reason : `${failure}; clean-up is incomplete: ${reason}`, deps);
  return undefined;
}

function mayRetry(
  placement: Placement,
  error: unknown,
  next: { readonly attempts: number; readonly waitMs: number },
  deps: PassEndDeps,
): boolean {
  if (next.attempts >= deps.attempts) return false;
  // A removal may conflict with earlier work on the tenant that is about to end. Only a policy refuses it permanently.
  if (!mustExist(placement)) return !isDomainError(error, 'FORBIDDEN');
  return !isTerminal(error) && deps.clock.now() + next.waitMs <= placement.acceptedAt + deps.onboardingMs;
}

function outcomeOf({ placement, steps }: Claim): Outcome {
  return { tenantId: placement.tenantId, registrationId: placement.registrationId, steps };
}

function reasonIn(claim: Claim, error: unknown): string {
  return claim.failedStep ? `could not ${claim.failedStep}: ${reasonOf(error)}` : reasonOf(error);
}
