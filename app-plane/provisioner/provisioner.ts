import { DomainError } from '../../core/errors.ts';
import { placeOf } from '../../core/plan/place.ts';
import type { Change, ResourceDriver } from '../../core/plan/resources.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { Consumer, EventBus } from '../../core/ports/event-bus.ts';
import type { Identity, RealmConfig, RealmId } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Table } from '../../core/ports/table.ts';
import { newId } from '../../core/tenant/ids.ts';
import type { Step } from '../../core/tenant/lifecycle.ts';
import { type TierName, type TierTable, tierNames } from '../../core/tier/tiers.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { createAcceptConsumer } from './accept.ts';
import type { Claim } from './claim.ts';
import { createComputeDriver, type EnvironmentOf } from './drivers/compute.ts';
import { createDataDriver } from './drivers/data.ts';
import { createIdentityDriver } from './drivers/identity.ts';
import { createRoutingDriver } from './drivers/routing.ts';
import { reasonOf } from './failures.ts';
import { loadPlacement, type Phase, type Placement } from './placement.ts';
import { ensurePlatform } from './platform.ts';
import { queueAfterPublicUrlChange } from './public-url-change.ts';
import { createReconciler, type Reconciler } from './reconcile.ts';
import { Restoration } from './restoration.ts';
import { createResults } from './results.ts';
import { Sweep } from './sweep.ts';
import { TenantWaiters } from './tenant-waiters.ts';
import { type Priority, WorkQueue } from './work-queue.ts';

export interface ProvisionerLimits {
  /** Tenants worked on at the same time. @default 8 */
  readonly concurrency?: number;
  /** Most of them that are of one tier. @default - the tier's own `concurrency` */
  readonly perTier?: Partial<Record<TierName, number>>;
  /** Requests accepted at the same time. @default 32 */
  readonly accepts?: number;
  /** Failed attempts after which an onboarding or offboarding is given up. @default 5 */
  readonly attempts?: number;
  /** An onboarding is not attempted again later than this after its acceptance, in seconds. @default 120 */
  readonly onboardingSeconds?: number;
  /** A step that takes longer has failed, in seconds. @default 60 */
  readonly stepSeconds?: number;
  /** Time between two sweeps for unfinished work, in seconds. @default 5 */
  readonly sweepSeconds?: number;
  /** Most tenants of a tier; another one is refused with the reason. @default - no limit */
  readonly maxTenants?: Partial<Record<TierName, number>>;
}

export interface ProvisionerOptions {
  readonly table: Table;
  readonly bus: EventBus;
  readonly identity: Identity;
  readonly runtime: Runtime;
  /** @default - identity, data, compute and routing, over the ports given here */
  readonly drivers?: readonly ResourceDriver[];
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly tiers: TierTable;
  /** Names of the application's microservices. */
  readonly services: readonly string[];
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
  /** Works on a tenant now. @returns milliseconds after which to look again; undefined: nothing is left to do */
  reconcile(tenantId: string): Promise<number | undefined>;
  /** What `reconcile` would change now. */
  plan(tenantId: string): Promise<readonly Change[]>;
  /** The steps of the run in progress, live, or of the last one. Empty for an unknown tenant and one that is gone. */
  progress(tenantId: string): Promise<readonly Step[]>;
  /** The phase once it is a final one, or the phase after `timeoutMs`. Throws NOT_FOUND if never accepted. */
  settled(tenantId: string, timeoutMs: number): Promise<Phase>;
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
  const waiters = new TenantWaiters(table, clock);
  const sweepMs = (limits.sweepSeconds ?? 5) * 1000;
  const restoration = new Restoration();
  const reconciler = reconcilerOf({ ...options, owner, checkpoint }, claims, restoration);

  const queue = new WorkQueue({
    clock,
    concurrency: limits.concurrency ?? 8,
    perLane: { ...concurrencyOf(options.tiers), ...limits.perTier },
    run: async (tenantId) => {
      try {
        const afterMs = await reconciler.reconcile(tenantId);
        // 0: another change came in between, and the attempt is repeated at once.
        if (afterMs !== 0) restoration.end(tenantId, afterMs === undefined ? 'served' : 'failed');
        return afterMs;
      } catch (error) {
        restoration.end(tenantId, 'failed');
        log.error({ tenantId, reason: reasonOf(error), err: error }, 'reconcile could not run');
        return sweepMs;
      } finally {
        waiters.wake(tenantId);
      }
    },
  });
  const enqueue = ({ tenantId, spec }: Placement, priority: Priority): void =>
    queue.add({ key: tenantId, lane: spec?.tier ?? NO_TIER, priority });

  const accept = createAcceptConsumer({
    ...{ table, clock, owner, tiers: options.tiers, checkpoint },
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
    async progress(tenantId) {
      return claims.get(tenantId)?.steps ?? (await loadPlacement(table, tenantId))?.data.steps ?? [];
    },
    settled: (tenantId, timeoutMs) => waiters.finalPhase(tenantId, timeoutMs),
    idle: () => queue.idle(),
    async close() {
      sweep.close();
      for (const claim of claims.values()) claim.abandon();
      await subscription?.close();
      await queue.close();
    },
  };
}

type ReconcilerOptions = ProvisionerOptions & Required<Pick<ProvisionerOptions, 'owner' | 'checkpoint'>>;

/** The reconciler in the terms of the provisioner's options; `claims` holds the claims of work in progress. */
function reconcilerOf(
  options: ReconcilerOptions,
  claims: Map<string, Claim>,
  restoration: Pick<Restoration, 'isWaiting'>,
): Reconciler {
  const { table, clock, random, log, owner, checkpoint, limits = {} } = options;
  return createReconciler({
    ...{ table, clock, random, log, owner, checkpoint },
    results: createResults(() => clock.now(), random, options.publicUrl),
    drivers: options.drivers ?? driversOf(options),
    shapeOf: (spec) => shapeOf(spec, options.tiers, options.services),
    placeOf: (spec) => placeOf(spec.tenantId, options.tiers[spec.tier]),
    realmConfig: realmConfigs(options.identity),
    stepMs: (limits.stepSeconds ?? 60) * 1000,
    attempts: limits.attempts ?? 5,
    onboardingMs: (limits.onboardingSeconds ?? 120) * 1000,
    maxTenants: limits.maxTenants ?? {},
    noDelete: options.noDelete ?? false,
    isRestoring: (tenantId) => restoration.isWaiting(tenantId),
    onClaim: (claim, tenantId) => (claim ? claims.set(tenantId, claim) : claims.delete(tenantId)),
  });
}

function driversOf({ table, identity, runtime, random, environmentOf, onRouteChange }: ProvisionerOptions) {
  return [
    createIdentityDriver({ identity }),
    createDataDriver(runtime),
    createComputeDriver({ runtime, environmentOf }),
    createRoutingDriver({ table, random, onRouteChange }),
  ];
}

/** Reads the configuration of a realm. Keeps the pooled one, which every pooled tenant needs. */
function realmConfigs(identity: Identity): (id: RealmId) => Promise<RealmConfig> {
  let pooled: RealmConfig | undefined;
  return async (id) => {
    if (id === 'pool' && pooled) return pooled;
    const realm = await identity.realm(id);
    if (!realm) throw new DomainError('UNAVAILABLE', `realm ${id} must exist before its tenant is announced`);
    if (id === 'pool') pooled = realm;
    return realm;
  };
}

function concurrencyOf(tiers: TierTable): Record<string, number> {
  return Object.fromEntries(
    tierNames(tiers).flatMap((name) => {
      const { concurrency } = tiers[name];
      return concurrency === undefined ? [] : [[name, concurrency]];
    }),
  );
}
