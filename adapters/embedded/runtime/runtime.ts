import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import type {
  DeploymentId,
  DeploymentSpec,
  DeploymentStatus,
  Runtime,
  ServiceKey,
  ServiceStatus,
} from '../../../core/ports/runtime.ts';
import type { Table } from '../../../core/ports/table.ts';
import type { TenantData } from '../../../core/ports/tenant-data.ts';
import type { ServiceEndpoints } from '../../../core/routing/registry.ts';
import { Deployments } from './deployments.ts';
import { Bundles, bundleOf } from './supervisor/bundles.ts';
import { endAllGroups, removeGroups } from './supervisor/cgroup.ts';
import { type AgentStatus, type Deployed, Fleet } from './supervisor/fleet.ts';
import { type Isolation, probeIsolation } from './supervisor/isolation.ts';
import { killLeftovers } from './supervisor/leftovers.ts';
import { PooledStores } from './supervisor/pooled-stores.ts';
import { nameOf } from './supervisor/protocol.ts';
import { ScaleOverrides } from './supervisor/scale-overrides.ts';
import { ServicePlans } from './supervisor/service-plans.ts';
import { MAX_RUN_DIR_BYTES } from './supervisor/socket-path.ts';
import { TenantFiles } from './supervisor/tenant-files.ts';
import { TenantUids } from './supervisor/tenant-uids.ts';
import { TenantFolders } from './tenant-data.ts';

const HEALTHY_WITHIN_MS = 30_000;
/** Several tasks, one after the other, each drained for up to 10 s. */
const REPLACED_WITHIN_MS = 120_000;
const INSTANCE = /^[A-Za-z0-9-]{1,64}$/;

export interface RuntimeOptions {
  /** Tasks with their own users must be able to pass through it (mode 0711). Files directly in it become 0600. */
  readonly dataDir: string;
  /** For Unix sockets; created if absent. At most MAX_RUN_DIR_BYTES long. */
  readonly runDir: string;
  /** Holds `<service>.cjs`, a CommonJS bundle, for each service. */
  readonly servicesDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Keeps desired counts and user ids over restarts. */
  readonly table: Table;
  /** Marks the processes of this data directory. Unique; 1 to 64 letters, digits and `-`. */
  readonly instance: string;
  /** How long `deploy` waits for healthy tasks, in ms. @default 30000 */
  readonly healthyWithinMs?: number;
  /** Called when an agent has ended or hung, and is being replaced. @default - the log alone has it */
  readonly agentReplaced?: (cluster: ClusterId, reason: string) => void;
}

/** The Runtime port of the embedded home, with what only it offers. */
export interface EmbeddedRuntime extends Runtime {
  /** How tasks are isolated on this machine, found by trying. */
  readonly isolation: Isolation;
  /** The data of tenants on this machine. */
  readonly data: TenantData;
  /** The clusters that run, sorted. */
  readonly clusters: readonly ClusterId[];
  /** The agents that run now. */
  agents(): readonly AgentStatus[];
  /** For operators: the services that do not start, with the reason, and files that are not used. */
  problems(): readonly string[];
  /** Calls `listener` with the endpoints of all services, now and after each change. @returns a function that ends this */
  onEndpoints(listener: (all: readonly ServiceEndpoints[]) => void): () => void;
  /** Ends the processes that a previous run left behind. Call it once, before anything is started. */
  reap(): Promise<void>;
  /** Starts nothing more. Calls that wait for a service to become ready fail with UNAVAILABLE. `close` must follow. */
  beginClose(): void;
  /** Drains all tasks and ends all agents. Data and desired counts stay. */
  close(): Promise<void>;
}

/** Probes the machine and starts nothing. Throws CONFIG if `runDir` is too long or `instance` is not well-formed. */
export async function createRuntime(options: RuntimeOptions): Promise<EmbeddedRuntime> {
  const { dataDir, runDir, servicesDir, instance, clock, log, table } = options;
  requireUsable(options);
  closeToOthers(dataDir);
  const files = new TenantFiles({ dataDir, runDir });
  const bundles = new Bundles(servicesDir, join(dataDir, 'cache'));
  const isService = (name: string): boolean => existsSync(bundleOf(servicesDir, name));
  const pooled = new PooledStores({ folder: files.poolDir, isService, table, clock, log });
  const passable = [dataDir, ...files.passable];
  const isolation = await probeIsolation({ instance, passable, readable: bundles.copiesDir });
  const { setpriv, cpu } = isolation;
  const fleet = new Fleet({
    agent: { instance, setpriv, cpu, cacheDir: bundles.codeDir },
    recordDir: join(dataDir, 'processes'),
    logFile: (cluster) => files.agentLog(cluster),
    clock,
    log,
    replaced: options.agentReplaced,
  });
  const uids = new TenantUids(table);
  const plans = new ServicePlans({ bundles, files, uids, fleet, isolation });
  const overrides = new ScaleOverrides(table);
  const hasServices = (tenantId: string): boolean => fleet.services.some(({ spec }) => spec.tenantId === tenantId);
  const data = new TenantFolders({ files, pooled, bundles, uids, plans, overrides, instance, log, hasServices });
  const { healthyWithinMs = HEALTHY_WITHIN_MS } = options;
  const deployments = new Deployments({ fleet, plans, overrides, files, clock, healthyWithinMs });
  return new SupervisedRuntime({ files, pooled, bundles, fleet, data, deployments, overrides, isolation }, options);
}

function requireUsable({ runDir, instance }: RuntimeOptions): void {
  if (Buffer.byteLength(runDir) > MAX_RUN_DIR_BYTES) {
    throw new DomainError('CONFIG', `run directory must have at most ${MAX_RUN_DIR_BYTES} bytes, got '${runDir}'`);
  }
  if (!INSTANCE.test(instance)) throw new DomainError('CONFIG', `instance must match ${INSTANCE}, got '${instance}'`);
}

function closeToOthers(dataDir: string): void {
  for (const entry of readdirSync(dataDir, { withFileTypes: true })) {
    if (entry.isFile()) chmodSync(join(dataDir, entry.name), 0o600);
  }
}

interface Parts {
  readonly files: TenantFiles;
  readonly pooled: PooledStores;
  readonly bundles: Bundles;
  readonly fleet: Fleet;
  readonly data: TenantData;
  readonly deployments: Deployments;
  readonly overrides: ScaleOverrides;
  readonly isolation: Isolation;
}

class SupervisedRuntime implements EmbeddedRuntime {
  readonly #parts: Parts;
  readonly #options: RuntimeOptions;
  readonly #fleet: Fleet;

  constructor(parts: Parts, options: RuntimeOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#fleet = parts.fleet;
    this.#deleteWhenRestored();
  }

  get isolation(): Isolation {
    return this.#parts.isolation;
  }

  get data(): TenantData {
    return this.#parts.data;
  }

  agents() {
    return this.#fleet.agents;
  }

  problems(): readonly string[] {
    const failing = this.#fleet.services.filter(({ report }) => report?.failure !== undefined);
    const services = failing.map(({ spec, report }) => `service ${nameOf(spec)} is not served: ${report?.lastFailure}`);
    return [...services, ...this.#parts.pooled.notes];
  }

  get clusters(): readonly ClusterId[] {
    return this.#fleet.clusters;
  }

  deploy(spec: DeploymentSpec): Promise<DeploymentStatus> {
    return this.#parts.deployments.deploy(spec);
  }

  withdraw(id: DeploymentId): Promise<DeploymentStatus> {
    return this.#parts.deployments.withdraw(id);
  }

  async deployment(id: DeploymentId): Promise<DeploymentStatus> {
    return this.#parts.deployments.status(id);
  }

  async services(filter: ServiceFilter = {}): Promise<readonly ServiceStatus[]> {
    return this.#deployed(filter)
      .map(statusOf)
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  async restartService(key: ServiceKey): Promise<void> {
    const { spec, plan } = this.#require(key);
    const bundle = (await this.#parts.bundles.find(key.service, plan.environment)) ?? plan.bundle;
    this.#fleet.deploy(spec, { ...plan, bundle, generation: plan.generation + 1 });
    await this.#untilReplaced(key);
  }

  async scaleService(key: ServiceKey, desired: number): Promise<void> {
    const { spec, plan } = this.#require(key);
    requireDesired(desired, spec.size.max);
    await this.#parts.overrides.set(key, desired);
    this.#fleet.deploy(spec, { ...plan, desired });
    await this.#untilReplaced(key);
  }

  onEndpoints(listener: (all: readonly ServiceEndpoints[]) => void): () => void {
    return this.#fleet.onEndpoints(listener);
  }

  async reap(): Promise<void> {
    const { files, bundles, isolation } = this.#parts;
    const { instance, log } = this.#options;
    const killed = await killLeftovers(instance, this.#fleet.recordDir);
    if (killed > 0) log.warn({ killed }, 'ended processes that a previous run left behind');
    files.removeAllSocketDirs();
    bundles.prune();
    await endAllGroups(isolation.cpu);
    await this.#parts.pooled.deleteWaiting();
  }

  beginClose(): void {
    this.#fleet.beginClose();
  }

  async close(): Promise<void> {
    await this.#fleet.close();
    this.#parts.files.removeAllSocketDirs();
    await removeGroups(this.#parts.isolation.cpu);
  }

  /** Makes up for deletions as soon as a task can open the store that was damaged. */
  #deleteWhenRestored(): void {
    const damaged = new Set<string>();
    this.#fleet.onEndpoints((all) => {
      let isRestored = false;
      for (const { tenantId, service, sockets, failure } of all) {
        if (tenantId !== null) continue;
        if (failure === 'data') damaged.add(service);
        else if (sockets.length > 0) isRestored = damaged.delete(service) || isRestored;
      }
      if (!isRestored) return;
      const { log } = this.#options;
      this.#parts.pooled.deleteWaiting().catch((err: unknown) => log.error({ err }, 'deletions still wait'));
    });
  }

  #deployed({ cluster, tenantId }: ServiceFilter): Deployed[] {
    return this.#fleet.services
      .filter(({ spec }) => cluster === undefined || spec.cluster === cluster)
      .filter(({ spec }) => tenantId === undefined || spec.tenantId === tenantId);
  }

  /** Throws NOT_FOUND. */
  #require(key: ServiceKey): Deployed {
    const found = this.#fleet.find(key);
    if (found === undefined) throw new DomainError('NOT_FOUND', `service ${nameOf(key)} not found`);
    return found;
  }

  #untilReplaced(key: ServiceKey): Promise<void> {
    const { desired } = this.#require(key).plan;
    return this.#fleet.until(key, REPLACED_WITHIN_MS, (report) => report.converged && report.tasks.length === desired);
  }
}

interface ServiceFilter {
  readonly cluster?: ClusterId;
  readonly tenantId?: string;
}

/** Throws INVALID. */
function requireDesired(desired: number, max: number): void {
  if (Number.isInteger(desired) && desired >= 0 && desired <= max) return;
  const msg = `must be a whole number from 0 to ${max}, got ${desired}`;
  const issues = [{ loc: ['body', 'desired'], type: 'int_range', msg }];
  throw new DomainError('INVALID', `desired ${msg}`, { issues });
}

function statusOf({ spec, plan, report }: Deployed): ServiceStatus {
  const { cluster, tenantId, service } = spec;
  return {
    ...{ cluster, tenantId, service, desired: plan.desired },
    tasks: report?.tasks ?? [],
    restarts: report?.restarts ?? 0,
    ...(report?.lastFailure !== undefined && { lastFailure: report.lastFailure }),
    ...(plan.uid !== undefined && { uid: plan.uid }),
  };
}
