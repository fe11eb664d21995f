import { createPlaces } from '../../../adapters/embedded/runtime/places.ts';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { createAcceptConsumer } from '../../../app-plane/provisioner/accept.ts';
import { createIdentityDriver } from '../../../app-plane/provisioner/drivers/identity.ts';
import { createRoutingDriver } from '../../../app-plane/provisioner/drivers/routing.ts';
import { openReconciler, type ReconcilerOptions } from '../../../app-plane/provisioner/open-reconciler.ts';
import type { PassResult } from '../../../app-plane/provisioner/pass-result.ts';
import { loadPlacement, type Placement } from '../../../app-plane/provisioner/placement.ts';
import { sweepOnce } from '../../../app-plane/provisioner/sweep.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { shapeOf } from '../../../tenant-templates/shape.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { type FakeIdentity, openFakeIdentity } from './fake-identity.ts';
import { FakeMeteringKeys } from './fake-metering-keys.ts';
import { createStackDriver, Stacks } from './stacks.ts';
import { onboarding } from './world.ts';

/** The tenant of these tests. */
export const ID = 'acme0000';

/** The provisioner as separate functions, as on AWS: no process lives between two calls, and no queue is in memory. */
export class Functions implements AsyncDisposable {
  /** What the accept function has sent to the work queue. */
  readonly sent: string[] = [];
  readonly lines: string[] = [];
  readonly stacks: Stacks;
  readonly meteringKeys = new FakeMeteringKeys();
  readonly identity: FakeIdentity;
  readonly scratch: Awaited<ReturnType<typeof openScratchTable>>;
  #instances = 0;

  private constructor(scratch: Functions['scratch']) {
    this.scratch = scratch;
    this.stacks = new Stacks(scratch.clock);
    this.identity = openFakeIdentity(scratch.table, scratch.clock);
  }

  static async open(): Promise<Functions> {
    const functions = new Functions(await openScratchTable());
    await functions.identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
    return functions;
  }

  get now(): number {
    return this.scratch.clock.now();
  }

  accept(event: Envelope): Promise<void> {
    const { table, clock } = this.scratch;
    const consumer = createAcceptConsumer({
      ...{ table, clock, tiers: TIERS, concurrency: 1, checkpoint: () => undefined },
      shapeOf: (spec) => shapeOf(spec, TIERS),
      queue: async ({ tenantId }) => void this.sent.push(tenantId),
    });
    return consumer.handle(event);
  }

  /** One pass over the tenant by a new instance of the reconcile function. */
  reconcile(change: Partial<ReconcilerOptions> = {}): Promise<PassResult> {
    return this.reconciler(change).reconcile(ID);
  }

  reconciler(change: Partial<ReconcilerOptions> = {}) {
    const { table, clock } = this.scratch;
    this.#instances += 1;
    return openReconciler({
      ...{ table, clock, identity: this.identity, random: systemRandom, log: recordingLog(this.lines) },
      drivers: [
        createIdentityDriver({ identity: this.identity }),
        createStackDriver(this.stacks),
        createRoutingDriver({
          ...{ table, random: systemRandom, meteringKeys: this.meteringKeys },
          onRouteChange: () => undefined,
        }),
      ],
      ...{ tiers: TIERS, services: SERVICES, places: createPlaces(change.tiers ?? TIERS), apiUrl: 'http://api.test' },
      ...{ owner: `instance-${this.#instances}`, leaseRetryMs: 1_000 },
      ...change,
    });
  }

  /** The tenants that the sweep function hands over now. */
  async swept(): Promise<string[]> {
    const found: string[] = [];
    await sweepOnce(this.scratch, async ({ tenantId }) => void found.push(tenantId));
    return found;
  }

  async placement(): Promise<Placement> {
    const item = await loadPlacement(this.scratch.table, ID);
    if (!item) throw new Error('the placement must exist');
    return item.data;
  }

  async step(name: string) {
    return (await this.placement()).steps.findLast((step) => step.name === name);
  }

  async results(): Promise<string[]> {
    const { items } = await this.scratch.table.query({ ...OUTBOX, limit: 100 });
    return items.map(({ data }) => data.detailType).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scratch.close();
  }
}

/** A premium tenant whose stack was just started by the first pass. */
export async function withStartedStack(): Promise<Functions> {
  const functions = await Functions.open();
  await functions.accept(onboarding(ID, 'premium'));
  await functions.reconcile();
  return functions;
}

export async function withReadyTenant(): Promise<Functions> {
  const functions = await withStartedStack();
  functions.stacks.finish(ID);
  await functions.reconcile();
  return functions;
}

/** Repeats passes as a queue with delayed messages does. @returns the last result */
export async function untilEnd(functions: Functions): Promise<PassResult> {
  for (let passes = 0; passes < 300; passes++) {
    const result = await functions.reconcile();
    if (result.outcome !== 'again') return result;
    functions.scratch.clock.advance(result.afterMs);
  }
  throw new Error('the work did not end within 300 passes');
}
