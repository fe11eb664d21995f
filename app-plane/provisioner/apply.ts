import { DomainError } from '../../core/errors.ts';
import { ChangesFailed } from '../../core/plan/changes-failed.ts';
import type { Change, ResourceDriver } from '../../core/plan/resources.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { MaybePending, Pending } from '../../core/progress/pending.ts';
import { type Claim, StepsFailed } from './claim.ts';
import { reasonOf, within } from './failures.ts';
import { REMOVE_REMAINS, stepOf } from './steps.ts';

export interface ApplyDeps {
  readonly drivers: readonly ResourceDriver[];
  readonly clock: Clock;
  /** The time limit of one step, in milliseconds. Work that goes on elsewhere does not count. */
  readonly stepMs: number;
  /** Work that goes on elsewhere for longer has failed, in milliseconds: all of one request, whatever its steps. */
  readonly pendingMs: number;
  readonly checkpoint: (name: string, tenantId: string) => void | Promise<void>;
}

/** Changes applied together: one driver's transaction, or changes of one kind that need no order among themselves. */
interface Batch {
  readonly driver: ResourceDriver;
  readonly changes: readonly Change[];
}

/**
 * Applies a plan in order and records every step. Stops at the first change whose work goes on elsewhere.
 * @returns what the plan waits for; undefined: every change is applied
 * @throws the first error, after the steps that run beside it have ended
 */
export async function applyPlan(
  changes: readonly Change[],
  claim: Claim,
  deps: ApplyDeps,
): Promise<Pending | undefined> {
  const { tenantId } = claim.placement;
  for (const { driver, changes: batch } of batchesOf(changes, deps.drivers)) {
    claim.check();
    const nameOf = (change: Change) => stepOf(change, claim.steps);
    const names = batch.map(nameOf);
    await deps.checkpoint(`before ${names.join(', ')}`, tenantId);
    const outcome = driver.applyAll
      ? await step(names, () => applyTogether(driver, batch, nameOf), claim, deps)
      : await allEnded(batch.map((change) => step([nameOf(change)], () => driver.apply(change), claim, deps)));
    if (outcome) return outcome;
    await deps.checkpoint(`after ${names.join(', ')}`, tenantId);
  }
  return undefined;
}

async function applyTogether(
  driver: ResourceDriver,
  batch: readonly Change[],
  nameOf: (change: Change) => string,
): Promise<MaybePending> {
  try {
    return await driver.applyAll?.(batch);
  } catch (error) {
    if (!(error instanceof ChangesFailed)) throw error;
    throw new StepsFailed({ failed: error.failed.map(nameOf), done: error.done.map(nameOf) }, error.cause);
  }
}

/**
 * Removes what cannot be observed as a resource; the last step of an offboarding.
 * @returns what the removal waits for; undefined: it is complete
 */
export async function purge(claim: Claim, deps: ApplyDeps): Promise<Pending | undefined> {
  const { tenantId } = claim.placement;
  claim.check();
  await deps.checkpoint(`before ${REMOVE_REMAINS}`, tenantId);
  const work = async (): Promise<MaybePending> => {
    for (const driver of deps.drivers) {
      const outcome = await driver.purge?.(tenantId);
      if (outcome) return outcome;
    }
  };
  const outcome = await step([REMOVE_REMAINS], work, claim, deps);
  if (outcome) return outcome;
  await deps.checkpoint(`after ${REMOVE_REMAINS}`, tenantId);
  return undefined;
}

/** Runs and records the work of the steps `names`. @throws FAILED if it goes on elsewhere for longer than `pendingMs` */
function step(
  names: readonly string[],
  work: () => Promise<MaybePending>,
  claim: Claim,
  { clock, stepMs, pendingMs }: ApplyDeps,
): Promise<Pending | undefined> {
  const bounded = async (): Promise<MaybePending> => {
    const outcome = await within(clock, stepMs, names.join(', '), work());
    const { pendingSince } = claim.placement;
    if (outcome && pendingSince !== undefined && clock.now() - pendingSince > pendingMs) {
      throw new DomainError(
        'FAILED',
        `not finished after ${Math.round(pendingMs / 60_000)} minutes: ${outcome.pending}`,
      );
    }
    return outcome;
  };
  return claim.record(names, bounded, reasonOf);
}

function batchesOf(changes: readonly Change[], drivers: readonly ResourceDriver[]): Batch[] {
  const batches: { driver: ResourceDriver; changes: Change[] }[] = [];
  for (const change of changes) {
    const driver = drivers.find((one) => one.kinds.includes(change.resource.kind));
    if (!driver) throw new Error(`no driver for ${change.resource.kind}`);
    const last = batches.at(-1);
    if (last?.driver === driver && (driver.applyAll || areAlike(last.changes[0], change))) last.changes.push(change);
    else batches.push({ driver, changes: [change] });
  }
  return batches;
}

function areAlike(a: Change | undefined, b: Change): boolean {
  return a?.action === b.action && a.resource.kind === b.resource.kind;
}

/** Like Promise.all, but resolves or rejects only after every promise has settled. @returns the first that is pending */
async function allEnded(works: readonly Promise<Pending | undefined>[]): Promise<Pending | undefined> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value] : []))[0];
}
