import { DomainError } from '../../core/errors.ts';
import type { ResourceDriver } from '../../core/plan/resources.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { Identity, RealmConfig, RealmId } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Places } from '../../core/ports/places.ts';
import type { Table } from '../../core/ports/table.ts';
import { PENDING_LIMIT_MINUTES } from '../../core/progress/pending.ts';
import type { TierName, TierTable } from '../../core/tier/tiers.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { createReconciler, type ReconcileDeps, type Reconciler } from './reconcile.ts';
import { createResults } from './results.ts';

export interface ReconcileLimits {
  /** Failed attempts after which an onboarding or offboarding is given up. @default 5 */
  readonly attempts?: number;
  /**
   * An onboarding is not attempted again later than this after its acceptance, in seconds. Once its work goes on elsewhere,
   * `pendingMinutes` is the limit instead. @default 120
   */
  readonly onboardingSeconds?: number;
  /** The time limit of one step, in seconds. Work that goes on elsewhere does not count. @default 60 */
  readonly stepSeconds?: number;
  /** Work of one request that goes on elsewhere for longer has failed, in minutes. @default 60 */
  readonly pendingMinutes?: number;
  /** Most tenants of a tier; another one is refused with the reason. @default - no limit */
  readonly maxTenants?: Partial<Record<TierName, number>>;
}

export interface ReconcilerOptions {
  readonly table: Table;
  readonly identity: Identity;
  readonly drivers: readonly ResourceDriver[];
  readonly places: Places;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly tiers: TierTable;
  /** Names of the application's microservices. */
  readonly services: readonly string[];
  /**
   * The release that new tenants get. Each tenant then keeps its release until it is updated; the deployment driver must have
   * `keepsReleases`. @default - all tenants run the platform's release
   */
  readonly currentRelease?: string;
  /** The URL of the application's API, without a slash at its end. */
  readonly apiUrl: string;
  /** The name of this process, or of this instance of a function, in leases. Unique, unless `isSoleOwner`. */
  readonly owner: string;
  /** true: no other process can work on the store, so that short work needs no lease. @default false */
  readonly isSoleOwner?: boolean;
  /** How soon to look again while another process holds the lease, in milliseconds. @default - when the lease ends */
  readonly leaseRetryMs?: number;
  readonly limits?: ReconcileLimits;
  /** true: nothing is ever deleted, and offboarding fails. @default false */
  readonly noDelete?: boolean;
  /** Called between any two steps, so that tests can stop the process there. @default - nothing is called */
  readonly checkpoint?: ReconcileDeps['checkpoint'];
  /** Called with every claim that is taken, and with undefined when it is released. @default - nothing is called */
  readonly onClaim?: ReconcileDeps['onClaim'];
  /** Whether the start of the platform waits for this tenant; if so, it is attempted at once. @default - none */
  readonly isRestoring?: ReconcileDeps['isRestoring'];
}

/** What a function needs to reconcile one tenant per message. It uses no queue, and no timer outlives a pass. */
export function openReconciler(options: ReconcilerOptions): Reconciler {
  const { table, drivers, places, clock, random, log, owner, leaseRetryMs, limits = {} } = options;
  return createReconciler({
    ...{ table, drivers, places, clock, random, log, owner },
    ...(leaseRetryMs !== undefined && { leaseRetryMs }),
    isSoleOwner: options.isSoleOwner ?? false,
    results: createResults(() => clock.now(), random, options.apiUrl),
    shapeOf: (spec, version) => shapeOf(spec, options.tiers, options.services, version),
    ...(options.currentRelease !== undefined && { currentRelease: options.currentRelease }),
    realmConfig: realmConfigs(options.identity),
    stepMs: (limits.stepSeconds ?? 60) * 1000,
    pendingMs: (limits.pendingMinutes ?? PENDING_LIMIT_MINUTES) * 60_000,
    attempts: limits.attempts ?? 5,
    onboardingMs: (limits.onboardingSeconds ?? 120) * 1000,
    maxTenants: limits.maxTenants ?? {},
    noDelete: options.noDelete ?? false,
    checkpoint: options.checkpoint ?? (() => undefined),
    onClaim: options.onClaim ?? (() => undefined),
    isRestoring: options.isRestoring ?? (() => false),
  });
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
