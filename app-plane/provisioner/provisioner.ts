import type { Change, ResourceDriver } from '../../core/plan/resources.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { Consumer, EventBus } from '../../core/ports/event-bus.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { MeteringKeys } from '../../core/ports/metering-keys.ts';
import type { Places } from '../../core/ports/places.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Table } from '../../core/ports/table.ts';
import type { TenantData } from '../../core/ports/tenant-data.ts';
import type { Step } from '../../core/progress/step.ts';
import { newId } from '../../core/tenant/ids.ts';
import { type TierName, type TierTable, tierNames } from '../../core/tier/tiers.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { createAcceptConsumer } from './accept.ts';
import type { Claim } from './claim.ts';
import { createDeploymentDriver, type EnvironmentOf } from './drivers/deployment.ts';
import { createIdentityDriver } from './drivers/identity.ts';
import { createRoutingDriver } from './drivers/routing.ts';
import { reasonOf } from './failures.ts';
import { openReconciler, type ReconcileLimits } from './open-reconciler.ts';
import type { PassResult } from './pass-result.ts';
import { loadPlacement, type Placement } from './placement.ts';
import { ensurePlatform } from './platform.ts';
import { queueAfterPublicUrlChange } from './public-url-change.ts';
import { createReleases, type Releases } from './release.ts';
import { Restoration } from './restoration.ts';
import { Sweep } from './sweep.ts';
import { type Priority, WorkQueue } from './work-queue.ts';

export interface ProvisionerLimits extends ReconcileLimits {
  /** Tenants worked on at the same time. @default 8 */
  readonly concurrency?: number;
  /** Most of them that are of one tier. @default - the tier's own `concurrency` */
  readonly perTier?: Partial<Record<TierName, number>>;
  /** Requests accepted at the same time. @default 32 */
  readonly accepts?: number;
  /** Time between two sweeps for unfinished work, in seconds. @default 5 */
  readonly sweepSeconds?: number;
}

export interface ProvisionerOptions {
  readonly table: Table;
  readonly bus: EventBus;
  readonly identity: Identity;
  readonly runtime: Runtime;
  readonly data: TenantData;
  readonly places: Places;
  readonly meteringKeys: MeteringKeys;
  /** @default - identity, deployment and routing, over the ports given here */
  readonly drivers?: readonly ResourceDriver[];
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly tiers: TierTable;
  /** Names of the application's microservices. */
  readonly services: readonly string[];
  /** The release of the application that tenants get. */
  readonly release: string;
  /** The public URL, without a slash at its end. */
  readonly publicUrl: string;
  readonly environmentOf: EnvironmentOf;
  /** Called after a tenant's route or API key has changed, so that caches drop it. */
  readonly onRouteChange: (tenantId: string) => void;
  readonly limits?: ProvisionerLimits;
  /** true: nothing is ever deleted, and offboarding fails. @default false */
  readonly noDelete?: boolean;
  /** true: requests stay in their queue. @default false */
  readonly hold?: boolean;
  /**
   * The name of this process in leases. If only one platform can run on a store, give it a fixed name, so that after a
   * restart it continues at once. @default - a new name, so the leases of a dead process must expire first
   */
  readonly owner?: string;
  /** true: no other process can work on the store, so that short work needs no lease. @default false */
  readonly isSoleOwner?: boolean;
  /** Called between any two steps, so that tests can stop the process there. @default - nothing is called */
  readonly checkpoint?: (name: string, tenantId: string) => void | Promise<void>;
}

export interface Provisioner {
  /**
   * Creates what tenants share, subscribes to requests and starts to sweep: unfinished work continues, and the services
   * of every silo are restored in the background. Throws if the shared resources cannot be created.
   */
  start(): Promise<void>;
  /** The consumer that `start` subscribes. */
  readonly accept: Consumer;
  /** Works on a tenant now. */
  reconcile(tenantId: string): Promise<PassResult>;
  /** What `reconcile` would change now. */
  plan(tenantId: string): Promise<readonly Change[]>;
  /** All tenants run the platform's release. */
  readonly releases: Releases;
  /** The steps of the run in progress, live, or of the last one. Empty for an unknown tenant and one that is gone. */
  progress(tenantId: string): Promise<readonly Step[]>;
  /**
   * Every tenant that has its own tasks is served since `start`, or its first attempt has failed and was logged.
   */
  readonly restoration: Pick<Restoration, 'completed' | 'progress'>;
  /** Resolves when no tenant is worked on or waits for it. A retry that is not due yet does not count. */
  idle(): Promise<void>;
  /** Ends after the current steps. Unfinished work continues after the next start. */
  close(): Promise<void>;
}

/** The lane of a tenant whose tier is unknown: it was deleted before its onboarding arrived. */
const NO_TIER = 'no tier';

export function createProvisioner(options: ProvisionerOptions): Provisioner {
  const { table, bus, clock, log, limits = {} } = options;
  const owner = options.owner ?? newId(clock.now(), options.random);
  const checkpoint = options.checkpoint ?? (() => undefined);
  const claims = new Map<string, Claim>();
  const sweepMs = (limits.sweepSeconds ?? 5) * 1000;
  const restoration = new Restoration();
  const reconciler = openReconciler({
    ...{ ...options, owner, checkpoint },
    drivers: options.drivers ?? driversOf(options),
    apiUrl: `${options.publicUrl}/api`,
    isRestoring: (tenantId) => restoration.isWaiting(tenantId),
    onClaim: (claim, tenantId) => (claim ? claims.set(tenantId, claim) : claims.delete(tenantId)),
  });

  const queue = new WorkQueue({
    clock,
    concurrency: limits.concurrency ?? 8,
    perLane: { ...concurrencyOf(options.tiers), ...limits.perTier },
    run: async (tenantId) => {
      try {
        const result = await reconciler.reconcile(tenantId);
        endRestoring(tenantId, result, restoration);
        return result.outcome === 'again' ? result.afterMs : undefined;
      } catch (error) {
        restoration.end(tenantId, 'failed');
        log.error({ tenantId, reason: reasonOf(error), err: error }, 'reconcile could not run');
        return sweepMs;
      }
    },
  });
  const enqueue = ({ tenantId, spec }: Placement, priority: Priority): void =>
    queue.add({ key: tenantId, lane: spec?.tier ?? NO_TIER, priority });

  const accept = createAcceptConsumer({
    ...{ table, clock, tiers: options.tiers, checkpoint },
    shapeOf: (spec) => shapeOf(spec, options.tiers, options.services),
    concurrency: limits.accepts ?? 32,
    queue: (placement) => enqueue(placement, 'interactive'),
  });
  const sweep = new Sweep({
    ...{ table, clock, log, owner, enqueue },
    intervalMs: sweepMs,
    isRunning: (tenantId) => queue.isRunning(tenantId),
    restoration,
  });
  let subscription: { close(): Promise<void> } | undefined;

  return {
    accept,
    async start() {
      await ensurePlatform(options);
      const changed = await queueAfterPublicUrlChange(table, options.publicUrl);
      for (const placement of changed) enqueue(placement, 'background');
      await sweep.start();
      if (!options.hold) subscription = bus.subscribe(accept);
    },
    restoration,
    reconcile: reconciler.reconcile,
    plan: reconciler.plan,
    releases: createReleases({ table, clock, release: options.release, keepsReleases: false }),
    async progress(tenantId) {
      return claims.get(tenantId)?.steps ?? (await loadPlacement(table, tenantId))?.data.steps ?? [];
    },
    idle: () => queue.idle(),
    async close() {
      sweep.close();
      for (const claim of claims.values()) claim.abandon();
      await subscription?.close();
      await queue.close();
    },
  };
}

/** An attempt to restore a tenant has not ended if it must be repeated at once, or if its work goes on elsewhere. */
function endRestoring(tenantId: string, result: PassResult, restoration: Restoration): void {
  if (result.outcome === 'again' && (result.afterMs === 0 || result.pending !== undefined)) return;
  restoration.end(tenantId, result.outcome === 'done' ? 'served' : 'failed');
}

function driversOf(options: ProvisionerOptions): ResourceDriver[] {
  const { table, identity, random, meteringKeys, onRouteChange } = options;
  return [
    createIdentityDriver({ identity }),
    createDeploymentDriver(options),
    createRoutingDriver({ table, random, meteringKeys, onRouteChange }),
  ];
}

function concurrencyOf(tiers: TierTable): Record<string, number> {
  return Object.fromEntries(
    tierNames(tiers).flatMap((name) => {
      const { concurrency } = tiers[name];
      return concurrency === undefined ? [] : [[name, concurrency]];
    }),
  );
}
