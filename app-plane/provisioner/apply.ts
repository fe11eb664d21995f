import type { Change, ResourceDriver, ResourceKind } from '../../core/plan/resources.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Claim } from './claim.ts';
import { reasonOf, within } from './failures.ts';

export interface ApplyDeps {
  readonly drivers: readonly ResourceDriver[];
  readonly clock: Clock;
  /** Longest time one step may take, in milliseconds. */
  readonly stepMs: number;
  readonly checkpoint: (name: string, tenantId: string) => void | Promise<void>;
}

/** Changes that are applied at once: one driver's transaction, or equals that need no order among themselves. */
interface Batch {
  readonly driver: ResourceDriver;
  readonly changes: readonly Change[];
}

/** Applies a plan in its order and records every step. @throws the first failure, once what runs beside it has ended */
export async function applyPlan(changes: readonly Change[], claim: Claim, deps: ApplyDeps): Promise<void> {
  const { clock, stepMs, checkpoint } = deps;
  const { tenantId } = claim.placement;
  for (const { driver, changes: batch } of batchesOf(changes, deps.drivers)) {
    claim.check();
    const names = batch.map(stepName);
    await checkpoint(`before ${names.join(', ')}`, tenantId);
    const step = (of: readonly string[], work: () => Promise<void>) =>
      claim.record(of, () => within(clock, stepMs, of.join(', '), work()), reasonOf);
    if (driver.applyAll) await step(names, () => driver.applyAll?.(batch) ?? Promise.resolve());
    else await allEnded(batch.map((change) => step([stepName(change)], () => driver.apply(change))));
    await checkpoint(`after ${names.join(', ')}`, tenantId);
  }
}

/** What the observable resources can't show: the last act of an offboarding. */
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
    if (last?.driver === driver && (driver.applyAll || areEquals(last.changes[0], change))) last.changes.push(change);
    else batches.push({ driver, changes: [change] });
  }
  return batches;
}

function areEquals(a: Change | undefined, b: Change): boolean {
  return a?.action === b.action && a.resource.kind === b.resource.kind;
}

/** Like Promise.all, but leaves nothing running behind when one fails. */
async function allEnded(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

const WORDS: Record<ResourceKind, string> = {
  'user-pool': 'user pool',
  data: 'data store',
  cluster: 'cluster',
  service: 'service',
  'admin-user': 'administrator',
  'api-key': 'API key',
  route: 'route',
};

/** A step as people read it: 'create service orders', 'remove route'. */
function stepName({ action, resource }: Change): string {
  const verb = action === 'delete' ? 'remove' : action;
  if (resource.kind === 'admin-user' && action === 'delete') return 'remove users';
  if (resource.kind !== 'service') return `${verb} ${WORDS[resource.kind]}`;
  return `${verb} service ${resource.name.slice(resource.name.indexOf('/') + 1)}`;
}
