import type { MaybePending, Pending } from '../../core/plan/pending.ts';
import type { Change, ResourceDriver, ResourceKind } from '../../core/plan/resources.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Claim } from './claim.ts';
import { reasonOf, within } from './failures.ts';

export interface ApplyDeps {
  readonly drivers: readonly ResourceDriver[];
  readonly clock: Clock;
  /** A step that takes longer has failed, in milliseconds. */
  readonly stepMs: number;
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
  const { clock, stepMs, checkpoint } = deps;
  const { tenantId } = claim.placement;
  for (const { driver, changes: batch } of batchesOf(changes, deps.drivers)) {
    claim.check();
    const names = batch.map(stepName);
    await checkpoint(`before ${names.join(', ')}`, tenantId);
    const step = (of: readonly string[], work: () => Promise<MaybePending>) =>
      claim.record(of, () => within(clock, stepMs, of.join(', '), work()), reasonOf);
    const outcome = driver.applyAll
      ? await step(names, () => driver.applyAll?.(batch) ?? Promise.resolve())
      : await allEnded(batch.map((change) => step([stepName(change)], () => driver.apply(change))));
    if (outcome) return outcome;
    await checkpoint(`after ${names.join(', ')}`, tenantId);
  }
  return undefined;
}

/** Removes what cannot be observed as a resource; the last step of an offboarding. */
export async function purge(claim: Claim, deps: ApplyDeps): Promise<void> {
  const { tenantId } = claim.placement;
  claim.check();
  await deps.checkpoint('before remove remains', tenantId);
  const work = async () => {
    for (const driver of deps.drivers) await driver.purge?.(tenantId);
  };
  await claim.record(['remove remains'], () => within(deps.clock, deps.stepMs, 'remove remains', work()), reasonOf);
  await deps.checkpoint('after remove remains', tenantId);
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

/** Like Promise.all, but resolves or rejects only after every promise has settled. */
async function allEnded(works: readonly Promise<MaybePending>[]): Promise<MaybePending> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value] : []))[0];
}

const KIND_NAMES: Record<Exclude<ResourceKind, 'service'>, string> = {
  'user-pool': 'user pool',
  data: 'data store',
  cluster: 'cluster',
  'admin-user': 'administrator',
  'api-key': 'API key',
  route: 'route',
};

/** The step's name as users see it: 'create service orders', 'remove route'. */
function stepName({ action, resource }: Change): string {
  const verb = action === 'delete' ? 'remove' : action;
  if (resource.kind === 'admin-user' && action === 'delete') return 'remove users';
  if (resource.kind !== 'service') return `${verb} ${KIND_NAMES[resource.kind]}`;
  return `${verb} service ${resource.name.slice(resource.name.indexOf('/') + 1)}`;
}
