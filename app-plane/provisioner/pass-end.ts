import { DomainError, isDomainError } from '../../core/errors.ts';
import { outboxWrites } from '../../core/events/outbox.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { RealmConfig, RealmId } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Place, Places } from '../../core/ports/places.ts';
import type { Pending } from '../../core/progress/pending.ts';
import { backOffMs, chanceOf } from '../../core/retry/back-off.ts';
import { type ApplyDeps, purge } from './apply.ts';
import { waitFor } from './attempt-wait.ts';
import type { Claim } from './claim.ts';
import { kindsOf } from './created-kinds.ts';
import { BACK_OFF, isTerminal, reasonOf } from './failures.ts';
import { again, DONE, failed, type PassResult } from './pass-result.ts';
import { mustExist, NO_WAIT, type Placement } from './placement.ts';
import { releaseAfterRollback, releaseAfterSuccess } from './release.ts';
import type { Outcome, Results } from './results.ts';
import type { Inspection } from './verdict.ts';

/**
 * What the end of a pass over a tenant needs. Every end writes the placement, releases the lease and sends the event in one
 * transaction.
 */
export interface PassEndDeps extends ApplyDeps {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly results: Results;
  readonly places: Places;
  readonly realmConfig: (realm: RealmId) => Promise<RealmConfig>;
  /** Failed attempts after which an onboarding or offboarding is given up. */
  readonly attempts: number;
  /**
   * An onboarding is not attempted again later than this after its acceptance, in milliseconds. Once work goes on elsewhere,
   * `pendingMs` is the limit instead.
   */
  readonly onboardingMs: number;
  /** The release that new tenants get, where each keeps its own until it is updated. @default - all run the platform's */
  readonly currentRelease?: string;
}

/** All changes are applied: the tenant is in its desired state. */
export async function endSuccess(claim: Claim, ended: Ended, deps: PassEndDeps): Promise<PassResult> {
  const { tenantId, desired, failure } = claim.placement;
  if (desired === 'absent') return await endAbsent(claim, ended, deps);
  if (failure === undefined) return await endReady(claim, ended, deps);
  await deps.places.give(tenantId);
  return await endFailed(claim, failure, deps);
}

/** What the pass has found, and the place that the tenant has taken: undefined if nothing of it may be left. */
export type Ended = Pick<Inspection, 'desired' | 'withheld'> & { readonly place: Place | undefined };

/**
 * The work goes on elsewhere. The attempt has not failed: the count of failed attempts begins anew, and `pendingMs` bounds
 * how often that can happen.
 */
export async function endPending(claim: Claim, outcome: Pending, { clock }: PassEndDeps): Promise<PassResult> {
  const { phase, pendingSince } = claim.placement;
  const { pending, lookAgainMs } = outcome;
  const now = clock.now();
  const working = phase === 'accepted' ? 'provisioning' : phase;
  const wait = { ...waitFor(lookAgainMs, now), pending, pendingSince: Math.min(pendingSince ?? now, now) };
  await claim.end({ phase: working, attempts: 0, ...wait });
  return again(lookAgainMs, pending);
}

async function endReady(claim: Claim, ended: Ended, deps: PassEndDeps): Promise<PassResult> {
  const { placement } = claim;
  const { desired, withheld, place: allocations } = ended;
  if (!mustExist(placement) || !allocations) return DONE;
  const { tenantId, spec } = placement;
  const config = await deps.realmConfig(allocations.realm);
  await deps.checkpoint('finish', tenantId);
  const isAnnounced = placement.phase === 'ready' && !placement.unannounced;
  const events = isAnnounced ? [] : [deps.results.provisioned(outcomeOf(claim), spec, config, allocations)];
  const createdKinds = kindsOf([...desired, ...withheld.map(({ resource }) => resource)]);
  const ready = { phase: 'ready', allocations, createdKinds, attempts: 0, ...NO_WAIT } as const;
  const released = releaseAfterSuccess(placement, allocations.silo, deps.currentRelease);
  await claim.end({ ...ready, ...released, unannounced: undefined, updateFailure: undefined }, outboxWrites(events));
  deps.log.info({ tenantId, tier: spec.tier, ms: deps.clock.now() - placement.acceptedAt }, 'tenant is ready');
  return DONE;
}

async function endAbsent(claim: Claim, { withheld }: Ended, deps: PassEndDeps): Promise<PassResult> {
  const { tenantId, registrationId, acceptedAt } = claim.placement;
  if (withheld.length > 0) throw new DomainError('FORBIDDEN', 'the no-delete policy forbids removing the tenant');
  const remains = await purge(claim, deps);
  if (remains) return await endPending(claim, remains, deps);
  await deps.places.give(tenantId);
  await deps.checkpoint('finish', tenantId);
  // The tombstone stays forever: a dead letter may be replayed at any time and must not revive the tenant.
  const nothing = { spec: undefined, allocations: undefined, failure: undefined, createdKinds: undefined, ...NO_WAIT };
  const event = deps.results.deprovisioned(outcomeOf(claim));
  await claim.end({ phase: 'gone', ...nothing, steps: [], attempts: 0 }, outboxWrites([event]));
  deps.log.info({ tenantId, registrationId, ms: deps.clock.now() - acceptedAt }, 'tenant is gone');
  return DONE;
}

async function endFailed(
  claim: Claim,
  failure: string,
  { checkpoint, results, log }: PassEndDeps,
): Promise<PassResult> {
  const { tenantId, desired } = claim.placement;
  claim.giveUp();
  await checkpoint('finish', tenantId);
  const outcome = outcomeOf(claim);
  const event =
    desired === 'absent' ? results.deprovisionFailed(outcome, failure) : results.provisionFailed(outcome, failure);
  await claim.end({ phase: 'failed', failure, attempts: 0, ...NO_WAIT }, outboxWrites([event]));
  log.warn({ tenantId, reason: failure }, desired === 'absent' ? 'offboarding failed' : 'onboarding failed');
  return failed(failure);
}

/**
 * The pass failed. Retries as long as a retry may help. Otherwise a failed onboarding is cleaned up by the next pass,
 * and then reported; a failed offboarding, or a failed clean-up, is reported at once.
 */
export async function endError(claim: Claim, error: unknown, deps: PassEndDeps): Promise<PassResult> {
  const { placement } = claim;
  const { tenantId, phase, desired, failure } = placement;
  const attempts = placement.attempts + 1;
  const waitMs = Math.round(backOffMs(attempts, BACK_OFF, chanceOf(deps.random)));
  const reason = reasonIn(claim, error);
  deps.log.warn({ tenantId, phase, attempts, reason, err: error }, 'reconcile failed');
  if (phase === 'ready' && isDomainError(error, 'FAILED')) return await endRolledBack(claim, reason);
  if (phase === 'ready' || mayRetry(placement, error, { attempts, waitMs }, deps)) {
    const working = phase === 'accepted' ? 'provisioning' : phase;
    await claim.end({ phase: working, attempts, ...waitFor(waitMs, deps.clock.now()), pending: undefined });
    return again(waitMs);
  }
  if (mustExist(placement)) {
    claim.giveUp();
    await claim.end({ phase: 'provisioning', failure: reason, attempts: 0, ...NO_WAIT });
    return again(0);
  }
  return await endFailed(claim, desired === 'absent' ? reason : `${failure}; clean-up is incomplete: ${reason}`, deps);
}

/** A change of a ready tenant was rolled back. The tenant is served as before; to repeat the change would only fail again. */
async function endRolledBack(claim: Claim, reason: string): Promise<PassResult> {
  claim.giveUp();
  const released = releaseAfterRollback(claim.placement);
  await claim.end({ phase: 'ready', attempts: 0, updateFailure: reason, ...released, ...NO_WAIT });
  return failed(reason);
}

function mayRetry(
  placement: Placement,
  error: unknown,
  next: { readonly attempts: number; readonly waitMs: number },
  deps: PassEndDeps,
): boolean {
  if (next.attempts >= deps.attempts) return false;
  // A removal may conflict with earlier work on the tenant that is about to end, so most errors of a removal are retried.
  if (!mustExist(placement)) return !isDomainError(error, 'FORBIDDEN') && !isDomainError(error, 'FAILED');
  const { acceptedAt, pendingSince } = placement;
  const deadline = pendingSince === undefined ? acceptedAt + deps.onboardingMs : pendingSince + deps.pendingMs;
  return !isTerminal(error) && deps.clock.now() + next.waitMs <= deadline;
}

function outcomeOf({ placement, steps }: Claim): Outcome {
  return { tenantId: placement.tenantId, registrationId: placement.registrationId, steps };
}

function reasonIn(claim: Claim, error: unknown): string {
  return claim.failedStep ? `could not ${claim.failedStep}: ${reasonOf(error)}` : reasonOf(error);
}
