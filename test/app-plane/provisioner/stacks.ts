import { DomainError } from '../../../core/errors.ts';
import type { Change, ObservedResource, ResourceDriver } from '../../../core/plan/resources.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Pending } from '../../../core/progress/pending.ts';

type StackKind = 'data' | 'cluster' | 'service';
type Found = ObservedResource<StackKind>;

interface Stack {
  readonly state: 'creating' | 'deleting' | 'complete' | 'rolled back' | 'removed';
  readonly endsAt: number;
  readonly resources: readonly Found[];
}

/** How soon the driver asks to look again: longer than any wait after a failed attempt. */
export const LOOK_AGAIN_MS = 45_000;
/** How long a stack takes: several looks. */
export const STACK_MS = 100_000;

/**
 * Stacks of an account, which outlive every process of the platform: one per silo tenant, with its data, cluster and
 * services. Creation and deletion take STACK_MS by the clock. Every call is idempotent, as in CloudFormation.
 */
export class Stacks {
  /** Calls of `describeStack`, as tenant ids. */
  readonly described: string[] = [];
  /** Tenants whose stacks never end what they do. */
  readonly stuck = new Set<string>();
  /** Tenants whose stacks cannot be created: they are rolled back when their time is over. */
  readonly broken = new Set<string>();
  readonly #stacks = new Map<string, Stack>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async createStack(tenantId: string, resources: readonly Found[]): Promise<void> {
    const found = this.#current(tenantId);
    if (found && found.state !== 'removed' && found.state !== 'rolled back') return;
    this.#stacks.set(tenantId, { state: 'creating', endsAt: this.#clock.now() + STACK_MS, resources });
  }

  async deleteStack(tenantId: string): Promise<void> {
    const found = this.#current(tenantId);
    if (!found || found.state === 'removed' || found.state === 'deleting') return;
    this.#stacks.set(tenantId, { ...found, state: 'deleting', endsAt: this.#clock.now() + STACK_MS });
  }

  async describeStack(tenantId: string): Promise<Stack | undefined> {
    this.described.push(tenantId);
    return this.#current(tenantId);
  }

  /** Ends what the stack does before its time. */
  finish(tenantId: string): void {
    const found = this.#stacks.get(tenantId);
    if (found) this.#stacks.set(tenantId, { ...found, endsAt: this.#clock.now() });
  }

  /** The tenant's resources; undefined if it has no stack. */
  resourcesOf(tenantId: string): readonly Found[] | undefined {
    const found = this.#current(tenantId);
    return found && ['creating', 'complete', 'deleting'].includes(found.state) ? found.resources : undefined;
  }

  #current(tenantId: string): Stack | undefined {
    const found = this.#stacks.get(tenantId);
    if (!found || this.stuck.has(tenantId) || this.#clock.now() < found.endsAt) return found;
    if (found.state === 'deleting') return { ...found, state: 'removed' };
    if (found.state !== 'creating') return found;
    return { ...found, state: this.broken.has(tenantId) ? 'rolled back' : 'complete' };
  }
}

/** A driver whose work goes on elsewhere: one stack has all of a tenant's resources of these kinds. */
export function createStackDriver(stacks: Stacks): ResourceDriver<StackKind> {
  const applyAll = async (changes: readonly Change<StackKind>[]): Promise<Pending | undefined> => {
    const tenantId = changes[0]?.resource.tenantId;
    if (tenantId === undefined) return undefined;
    const isRemoval = changes.some(({ action }) => action === 'delete');
    if (!isRemoval && (await stacks.describeStack(tenantId))?.state === 'rolled back') {
      await stacks.deleteStack(tenantId);
      throw new DomainError('FAILED', `stack ${tenantId} was rolled back: the image does not start (exit code 1)`);
    }
    if (isRemoval) await stacks.deleteStack(tenantId);
    else
      await stacks.createStack(
        tenantId,
        changes.map(({ resource }) => resource),
      );
    return { pending: `stack ${tenantId} is being ${isRemoval ? 'deleted' : 'created'}`, lookAgainMs: LOOK_AGAIN_MS };
  };
  return {
    kinds: ['data', 'cluster', 'service'],
    async observe(tenantId) {
      const stack = await stacks.describeStack(tenantId);
      if (!stack || stack.state === 'removed' || stack.state === 'rolled back') return [];
      return stack.resources.map((resource) => withReadiness(resource, stack.state !== 'creating'));
    },
    apply: (change) => applyAll([change]),
    applyAll,
  };
}

function withReadiness(resource: Found, ready: boolean): Found {
  return resource.kind === 'service' ? { ...resource, spec: { ...resource.spec, ready } } : resource;
}
