import { DomainError } from '../../core/errors.ts';
import { placeOf } from '../../core/plan/place.ts';
import type { Change, ResourceDriver } from '../../core/plan/resources.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { Consumer, EventBus } from '../../core/ports/event-bus.ts';
import type { Identity, RealmConfig, RealmId } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Table } from '../../core/ports/table.ts';
import { remainingMs } from '../../core/retry/back-off.ts';
import type { Step } from '../../core/tenant/lifecycle.ts';
import { newId } from '../../core/tenant/names.ts';
import { type TierName, type TierTable, tierNames } from '../../core/tier/tiers.ts';
import { withTimeout } from '../../core/time/wait.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { createAcceptConsumer } from './accept.ts';
import type { Claim } from './claim.ts';
import { createComputeDriver, type EnvironmentOf } from './drivers/compute.ts';
import { createDataDriver } from './drivers/data.ts';
import { createIdentityDriver } from './drivers/identity.ts';
import { createRoutingDriver } from './drivers/routing.ts';
import { BACK_OFF, reasonOf } from './failures.ts';
import { dueAt, isFinal, loadPlacement, type Phase, type Placement, readySilos, unfinished } from './placement.ts';
import { ensurePlatform } from './platform.ts';
import { queueAfterPublicUrlChange } from './public-url-change.ts';
import { createReconciler } from './reconcile.ts';
import { createResults } from './results.ts';
import { type Priority, WorkQueue } from './work-queue.ts';

export interface ProvisionerLimits {
  /** Tenants worked on at once. @default 8 */
  readonly concurrency?: number;
  /** At most so many of them are of one tier. @default - the tier's own `concurrency` */
  readonly perTier?: Partial<Record<TierName, number>>;
  /** Requests accepted at once. @default 32 */
  readonly accepts?: number;
  /** Failed tries before onboarding, or offboarding, is given up. @default 5 */
  readonly attempts?: number;
  /** No new try at onboarding later than so many seconds after its acceptance. @default 120 */
  readonly onboardingSeconds?: number;
  /** Longest time of one step, in seconds; after that it counts as failed. @default 60 */
  readonly stepSeconds?: number;
  /** Seconds between two sweeps for what is stuck. @default 5 */
  readonly sweepSeconds?: number;
  /** Most tenants of a tier; one more is refused, with the reason. @default - no limit */
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
  /** Base URL of the front door, without a slash at its end. */
  readonly publicUrl: string;
  readonly environmentOf: EnvironmentOf;
  /** A tenant's route or API key has changed: caches shall forget it. */
  readonly onRouteChange: (tenantId: string) => void;
  readonly limits?: ProvisionerLimits;
  /** Nothing is ever deleted; an offboarding then fails. @default false */
  readonly noDelete?: boolean;
  /** Requests wait in their queue. @default false */
  readonly hold?: boolean;
  /**
   * Who works here, in leases. Where only one platform can run on a store, give it a fixed name, so that a restarted
   * one goes on at once with what it left behind. @default - a new name, so the leases of a dead one must run out
   */
  readonly owner?: string;
  /** For tests that stop the process between any two steps. @default - none */
  readonly checkpoint?: (name: string, tenantId: string) => void | Promise<void>;
}

export interface Provisioner {
  /**
   * Ensures the platform's own resources, takes requests, and sweeps: what was left half-way goes on, and every tenant
   * with tasks of its own gets them back, in the background. Throws if the platform itself cannot be brought up.
   */
  start(): Promise<void>;
  /** The consumer that `start` subscribes. */
  readonly accept: Consumer;
  /** Works on one tenant now. @returns milliseconds after which to look again; undefined: nothing is left to be done */
  reconcile(tenantId: string): Promise<number | undefined>;
  /** The dry run: what would be changed now. */
  plan(tenantId: string): Promise<readonly Change[]>;
  /** The steps of the tenant's present, or latest, way; live. Empty for an unknown tenant and for one that is gone. */
  progress(tenantId: string): Promise<readonly Step[]>;
  /** The phase once it is a final one, or the one it is in after `timeoutMs`. Throws NOT_FOUND if never accepted. */
  settled(tenantId: string, timeoutMs: number): Promise<Phase>;
  /** Resolves when nothing waits to be worked on and nothing is; what waits for a later try does not count. */
  idle(): Promise<void>;
  /** Ends after the steps being taken; what is unfinished goes on after the next start. */
  close(): Promise<void>;
}

const SETTLED_POLL_MS = 500;
/** The lane of a tenant whose tier is unknown: it was deleted before its onboarding arrived. */
const NO_TIER = 'no tier';

export function createProvisioner(options: ProvisionerOptions): Provisioner {
  const { table, bus, identity, clock, random, log, limits = {} } = options;
  const owner = options.owner ?? newId(clock.now(), random);
  const checkpoint = options.checkpoint ?? (() => undefined);
  const results = createResults(clock.now, random, options.publicUrl);
  const sweepMs = (limits.sweepSeconds ?? 5) * 1000;
  const claims = new Map<string, Claim>();
  const waiters = new Map<string, Set<() => void>>();
  const realms = new Map<RealmId, RealmConfig>();
  let subscription: { close(): Promise<void> } | undefined;
  let sweepTimer: { cancel(): void } | undefined;
  let closed = false;

  const reconciler = createReconciler({
    table,
    clock,
    random,
    log,
    results,
    owner,
    checkpoint,
    realmConfig,
    drivers: options.drivers ?? driversOf(options),
    shapeOf: (spec) => shapeOf(spec, options.tiers, options.services),
    placeOf: (spec) => placeOf(spec.tenantId, options.tiers[spec.tier]),
    stepMs: (limits.stepSeconds ?? 60) * 1000,
    attempts: limits.attempts ?? 5,
    onboardingMs: (limits.onboardingSeconds ?? 120) * 1000,
    maxTenants: limits.maxTenants ?? {},
    noDelete: options.noDelete ?? false,
    onClaim: (claim, tenantId) => (claim ? claims.set(tenantId, claim) : claims.delete(tenantId)),
  });

  const queue = new WorkQueue({
    clock,
    concurrency: limits.concurrency ?? 8,
    perLane: { ...concurrencyOf(options.tiers), ...limits.perTier },
    run: async (tenantId) => {
      try {
        return await reconciler.reconcile(tenantId);
      } catch (error) {
        log.error({ tenantId, reason: reasonOf(error), err: error }, 'could not work on tenant');
        return sweepMs;
      } finally {
        for (const wake of waiters.get(tenantId) ?? []) wake();
      }
    },
  });

  const accept = createAcceptConsumer({
    table,
    clock,
    owner,
    tiers: options.tiers,
    checkpoint,
    concurrency: limits.accepts ?? 32,
    queue: (placement) => enqueue(placement, 'interactive'),
  });

  function enqueue({ tenantId, spec }: Placement, priority: Priority): void {
    queue.add({ key: tenantId, lane: spec?.tier ?? NO_TIER, priority });
  }

  async function realmConfig(id: RealmId): Promise<RealmConfig> {
    const known = realms.get(id);
    if (known) return known;
    const realm = await identity.realm(id);
    if (!realm) throw new DomainError('UNAVAILABLE', `realm ${id} must exist before a tenant is told of it`);
    // Only the pooled realm is read again for every tenant.
    if (id === 'pool') realms.set(id, realm);
    return realm;
  }

  /** Whoever waits for a tenant that is stuck should not wait behind the restoring of others. */
  async function sweep(first: boolean): Promise<void> {
    const now = clock.now();
    for await (const placement of unfinished(table)) {
      const due = remainingMs(dueAt(placement) ?? 0, now, BACK_OFF.maxMs) === 0;
      if (!due && !first) return;
      const leftBehind = first && placement.lease?.owner === owner;
      if ((due || leftBehind) && !queue.isRunning(placement.tenantId)) {
        enqueue(placement, placement.phase === 'ready' ? 'background' : 'interactive');
      }
    }
  }

  async function restore(): Promise<void> {
    for await (const placement of readySilos(table)) enqueue(placement, 'background');
  }

  function sweepLater(): void {
    if (closed) return;
    sweepTimer = clock.after(sweepMs, () => {
      void sweep(false)
        .catch((error: unknown) => log.error({ reason: reasonOf(error), err: error }, 'sweep failed'))
        .then(sweepLater);
    });
  }

  async function settled(tenantId: string, timeoutMs: number): Promise<Phase> {
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      const phase = (await loadPlacement(table, tenantId))?.data.phase;
      const left = deadline - clock.now();
      if (phase && (isFinal(phase) || left <= 0)) return phase;
      if (left <= 0) throw new DomainError('NOT_FOUND', `tenant ${tenantId} was never accepted`);
      await changed(tenantId, Math.min(left, SETTLED_POLL_MS));
    }
  }

  /** Resolves when work on the tenant has ended here, or after `ms`: another may be at work on it. */
  async function changed(tenantId: string, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = waiters.get(tenantId) ?? new Set();
    waiters.set(tenantId, waiting.add(resolve));
    await withTimeout(clock, ms, promise, () => undefined);
    waiting.delete(resolve);
    if (waiting.size === 0) waiters.delete(tenantId);
  }

  return {
    accept,
    async start() {
      await ensurePlatform(options);
      for (const placement of await queueAfterPublicUrlChange(table, options.publicUrl))
        enqueue(placement, 'background');
      await restore();
      await sweep(true);
      sweepLater();
      if (!options.hold) subscription = bus.subscribe(accept);
    },
    reconcile: reconciler.reconcile,
    plan: reconciler.plan,
    async progress(tenantId) {
      return claims.get(tenantId)?.steps ?? (await loadPlacement(table, tenantId))?.data.steps ?? [];
    },
    settled,
    idle: () => queue.idle(),
    async close() {
      closed = true;
      sweepTimer?.cancel();
      for (const claim of claims.values()) claim.abandon();
      await subscription?.close();
      await queue.close();
    },
  };
}

function driversOf({ table, identity, runtime, random, publicUrl, environmentOf, onRouteChange }: ProvisionerOptions) {
  return [
    createIdentityDriver({ identity, publicUrl }),
    createDataDriver(runtime),
    createComputeDriver({ runtime, environmentOf }),
    createRoutingDriver({ table, random, onRouteChange }),
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
