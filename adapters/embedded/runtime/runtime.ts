import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { ClusterId, Runtime, ServiceKey, ServiceSpec, ServiceStatus } from '../../../core/ports/runtime.ts';
import type { Table } from '../../../core/ports/table.ts';
import type { ServiceEndpoints } from '../../../core/routing/registry.ts';
import { TENANT_ID } from '../../../core/tenant/names.ts';
import { Bundles } from './supervisor/bundles.ts';
import { removeGroups, removeTaskGroups } from './supervisor/cgroup.ts';
import { type Deployed, Fleet } from './supervisor/fleet.ts';
import { type Isolation, POOL_UID, probeIsolation } from './supervisor/isolation.ts';
import { killLeftovers } from './supervisor/leftovers.ts';
import { nameOf, type ServicePlan } from './supervisor/protocol.ts';
import { ScaleOverrides } from './supervisor/scale-overrides.ts';
import { TenantFiles } from './supervisor/tenant-files.ts';
import { TenantUids } from './supervisor/tenant-uids.ts';

const HEALTHY_WITHIN_MS = 30_000;
/** Several tasks, one after the other, each drained for up to 10 s. */
const REPLACED_WITHIN_MS = 120_000;
/** 104 bytes on macOS with the terminating zero, less the longest `/<tenant>/<service>-<id>.sock`. */
const LONGEST_RUN_DIR = 103 - 55;
const CLUSTER_ID = /^(pool|shared|tenant-[a-z0-9]{8,26})$/;
const SERVICE = /^[a-z][a-z0-9-]{0,15}$/;
const INSTANCE = /^[A-Za-z0-9-]{1,64}$/;

export interface RuntimeOptions {
  /** Tasks under users of their own must be able to pass through it (mode 0711); files directly in it become 0600. */
  readonly dataDir: string;
  /** For sockets; made where needed. At most 48 bytes long, because a Unix socket's path is. */
  readonly runDir: string;
  /** Holds `<service>.js`, an ES module, for each service. */
  readonly servicesDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Keeps desired counts and user ids over restarts. */
  readonly table: Table;
  /** Marks the processes of this data directory: unique, 1 to 64 letters, digits and `-`. */
  readonly instance: string;
  /** How long `ensureService` waits for healthy tasks, in ms. @default 30000 */
  readonly healthyWithinMs?: number;
}

/** The Runtime port of the embedded home, and what only it offers. */
export interface EmbeddedRuntime extends Runtime {
  /** What keeps tasks apart and in bounds on this machine, found by trying; for `status` and `doctor`. */
  readonly isolation: Isolation;
  /** The clusters' agents that run now. */
  agents(): readonly { readonly cluster: ClusterId; readonly pid: number }[];
  /** Calls `listener` with the endpoints of all services, now and after each change. @returns what ends this */
  onEndpoints(listener: (all: readonly ServiceEndpoints[]) => void): () => void;
  /** The start sweep: ends what a former run left behind. Once, before anything is started. */
  reap(): Promise<void>;
  /** Starts nothing any more, and tells who waits for a service to be ready that it will not be. `close` follows. */
  beginClose(): void;
  /** Drains all tasks and ends all agents. Data and desired counts stay. */
  close(): Promise<void>;
}

/** Probes the machine; starts no process that stays. Throws CONFIG where `runDir` is too long or `instance` is odd. */
export async function createRuntime(options: RuntimeOptions): Promise<EmbeddedRuntime> {
  const { dataDir, runDir, servicesDir, instance, clock, log, table, healthyWithinMs = HEALTHY_WITHIN_MS } = options;
  if (Buffer.byteLength(runDir) > LONGEST_RUN_DIR) {
    throw new DomainError('CONFIG', `run directory must have at most ${LONGEST_RUN_DIR} bytes, got '${runDir}'`);
  }
  if (!INSTANCE.test(instance)) throw new DomainError('CONFIG', `instance must match ${INSTANCE}, got '${instance}'`);
  for (const entry of readdirSync(dataDir, { withFileTypes: true })) {
    if (entry.isFile()) chmodSync(join(dataDir, entry.name), 0o600);
  }
  const files = new TenantFiles({ dataDir, runDir, clock });
  const bundles = new Bundles(servicesDir, join(dataDir, 'cache'));
  const isolation = await probeIsolation({
    instance,
    passable: [dataDir, ...files.passable],
    readable: bundles.copiesDir,
  });
  const { setpriv, cpu } = isolation;
  const recordDir = join(dataDir, 'processes');
  const fleet = new Fleet({
    agent: { instance, setpriv, cpu, cacheDir: bundles.codeDir },
    recordDir,
    logFile: (cluster) => files.agentLog(cluster),
    clock,
    log,
  });
  const uids = new TenantUids(table);
  const overrides = new ScaleOverrides(table);

  async function uidOf(tenantId: string | null): Promise<number | undefined> {
    if (!isolation.ownUsers) return undefined;
    return tenantId === null ? POOL_UID : uids.of(tenantId);
  }

  /** Makes all that the tasks need on disk, and says how to run them. */
  async function preparePlan(spec: ServiceSpec, desired: number): Promise<ServicePlan> {
    const { cluster, tenantId, service, size, environment } = spec;
    const bundle = await bundles.find(service, environment);
    if (bundle === undefined)
      throw new DomainError(
        'UNAVAILABLE',
        `service '${service}' has no bundle in ${servicesDir}; \`npm run build\` makes it`,
      );
    const uid = await uidOf(tenantId);
    fleet.checkOpen();
    files.ensureData(tenantId, uid);
    files.ensureSocketDir(tenantId, uid);
    if (uid !== undefined) bundles.share(uid);
    return {
      cluster,
      tenantId,
      service,
      desired,
      size,
      environment,
      generation: fleet.find(spec)?.plan.generation ?? 1,
      bundle,
      dataFile: files.dataFile(spec),
      logFile: files.logFile(spec),
      socketDir: files.socketDir(tenantId),
      ...(uid === undefined ? {} : { uid }),
    };
  }

  function deployed(key: ServiceKey): Deployed {
    const found = fleet.find(key);
    if (found === undefined) throw new DomainError('NOT_FOUND', `no service ${nameOf(key)}`);
    return found;
  }

  function untilReplaced(key: ServiceKey): Promise<void> {
    const { desired } = deployed(key).plan;
    return fleet.until(key, REPLACED_WITHIN_MS, (report) => report.settled && report.tasks.length === desired);
  }

  async function services(filter: { readonly cluster?: string; readonly tenantId?: string } = {}) {
    return fleet.services
      .filter(({ spec }) => filter.cluster === undefined || spec.cluster === filter.cluster)
      .filter(({ spec }) => filter.tenantId === undefined || spec.tenantId === filter.tenantId)
      .map(statusOf)
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  return {
    isolation,

    async ensureCluster(cluster) {
      checkCluster(cluster);
      await fleet.ensureAgent(cluster);
    },

    async deleteCluster(cluster) {
      checkCluster(cluster);
      await fleet.endAgent(cluster);
    },

    async clusters() {
      return fleet.clusters;
    },

    async ensureService(spec) {
      checkKey(spec);
      const desired = Math.min((await overrides.of(spec)) ?? spec.size.desired, spec.size.max);
      const known = fleet.find(spec);
      const unchanged = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
      // What runs keeps its bundle until something else changes: a build alone replaces nothing.
      fleet.deploy(spec, unchanged ? { ...known.plan, desired } : await preparePlan(spec, desired));
      await fleet.ensureAgent(spec.cluster);
      await fleet.until(spec, healthyWithinMs, (report) => report.settled);
    },

    async deleteService(key) {
      checkKey(key);
      await fleet.remove(key);
      await overrides.clear(key);
      const { tenantId } = key;
      if (tenantId !== null && (await services({ tenantId })).length === 0) files.removeSocketDir(tenantId);
    },

    services,

    async restartService(key) {
      const { spec, plan } = deployed(key);
      const bundle = (await bundles.find(key.service, plan.environment)) ?? plan.bundle;
      fleet.deploy(spec, { ...plan, bundle, generation: plan.generation + 1 });
      await untilReplaced(key);
    },

    async scaleService(key, desired) {
      const { spec, plan } = deployed(key);
      const { max } = spec.size;
      if (!Number.isInteger(desired) || desired < 0 || desired > max) {
        const msg = `must be a whole number from 0 to ${max}, got ${desired}`;
        throw new DomainError('INVALID', `desired ${msg}`, {
          issues: [{ loc: ['body', 'desired'], type: 'int_range', msg }],
        });
      }
      await overrides.set(key, desired);
      fleet.deploy(spec, { ...plan, desired });
      await untilReplaced(key);
    },

    async ensureTenantData(tenantId) {
      checkTenantId(tenantId);
      files.ensureData(tenantId, await uidOf(tenantId));
    },

    async deleteTenantData(tenantId) {
      checkTenantId(tenantId);
      if ((await services({ tenantId })).length > 0) {
        throw new DomainError('CONFLICT', `data of tenant ${tenantId} cannot be deleted while its services run`);
      }
      await files.remove(tenantId);
      await overrides.clearTenant(tenantId);
      const uid = await uids.find(tenantId);
      if (uid === undefined) return;
      bundles.unshare(uid);
      await uids.forget(tenantId);
    },

    async hasTenantData(tenantId) {
      checkTenantId(tenantId);
      return files.hasSilo(tenantId) || (await files.hasPooled(tenantId));
    },

    agents: () => fleet.agents,

    onEndpoints: (listener) => fleet.onEndpoints(listener),

    async reap() {
      const killed = await killLeftovers(instance, recordDir);
      if (killed > 0) log.warn({ killed }, 'ended processes that a former run had left behind');
      files.removeAllSocketDirs();
      bundles.prune();
      await removeTaskGroups(cpu);
    },

    beginClose: () => fleet.beginClose(),

    async close() {
      await fleet.close();
      files.removeAllSocketDirs();
      await removeGroups(cpu);
    },
  };
}

function statusOf({ spec, plan, report }: Deployed): ServiceStatus {
  const { cluster, tenantId, service } = spec;
  return {
    cluster,
    tenantId,
    service,
    desired: plan.desired,
    tasks: report?.tasks ?? [],
    restarts: report?.restarts ?? 0,
    ...(report?.lastFailure === undefined ? {} : { lastFailure: report.lastFailure }),
    ...(plan.uid === undefined ? {} : { uid: plan.uid }),
  };
}

/** Keys become paths and command lines, so nothing else may pass. */
function checkKey({ cluster, tenantId, service }: ServiceKey): void {
  checkCluster(cluster);
  if (tenantId !== null) checkTenantId(tenantId);
  if (!SERVICE.test(service)) throw new DomainError('INVALID', `service must match ${SERVICE}, got '${service}'`);
}

function checkCluster(cluster: string): void {
  if (!CLUSTER_ID.test(cluster)) throw new DomainError('INVALID', `cluster must match ${CLUSTER_ID}, got '${cluster}'`);
}

function checkTenantId(tenantId: string): void {
  if (!TENANT_ID.test(tenantId)) throw new DomainError('INVALID', `tenant must match ${TENANT_ID}, got '${tenantId}'`);
}
