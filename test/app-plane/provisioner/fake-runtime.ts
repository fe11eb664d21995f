import { isDeepStrictEqual } from 'node:util';
import { DomainError, isDomainError } from '../../../core/errors.ts';
import { deploymentIdOf, requireDeployment, tenantOf } from '../../../core/plan/deployment.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import {
  type DeploymentId,
  type DeploymentSpec,
  type DeploymentStatus,
  type Part,
  PartsFailed,
  type Runtime,
  type ServiceKey,
  type ServiceStatus,
  type TaskStatus,
} from '../../../core/ports/runtime.ts';
import type { TenantData } from '../../../core/ports/tenant-data.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import type { TaskSize } from '../../../core/tier/tiers.ts';

interface FakeService extends ServiceKey {
  readonly size: TaskSize;
  readonly environment: Readonly<Record<string, string>>;
}

interface Running {
  readonly spec: FakeService;
  readonly desired: number;
  readonly tasks: readonly TaskStatus[];
}

const TIME = new Date(0).toISOString();

/**
 * Compute in memory, so that tests can stop, fail and repeat any call and then look at what runs. Passes the Runtime
 * contract suite.
 */
export class FakeRuntime implements Runtime {
  readonly #deployments = new Map<DeploymentId, Pick<DeploymentSpec, 'cluster' | 'release'>>();
  readonly #clusters = new Set<ClusterId>();
  readonly #services = new Map<string, Running>();
  /** Services that start at the same time: now, and the most so far. */
  readonly load = { now: 0, most: 0 };
  #started = 0;
  /** Services, as `<tenant or pooled>/<service>`, whose tasks do not start. */
  readonly broken = new Set<string>();
  /** Called before each service of a deployment. May throw in its place. */
  beforeService: (service: ServiceKey) => void = () => undefined;

  /** Ends every process of the machine. */
  die(): void {
    this.#deployments.clear();
    this.#clusters.clear();
    this.#services.clear();
  }

  /** Lets every task of a tenant become unhealthy. */
  hangTasksOf(tenantId: string): void {
    for (const [name, running] of this.#services) {
      if (running.spec.tenantId !== tenantId) continue;
      this.#services.set(name, { ...running, tasks: running.tasks.map((task) => ({ ...task, state: 'unhealthy' })) });
    }
  }

  /** Sorted. */
  get clusters(): readonly ClusterId[] {
    return [...this.#clusters].sort();
  }

  async deploy(spec: DeploymentSpec): Promise<DeploymentStatus> {
    requireDeployment(spec);
    const { id, cluster, tenantId, size, environment } = spec;
    this.#deployments.set(id, spec);
    for (const one of [cluster, ...(id === 'pool' ? (['shared'] as const) : [])]) this.#clusters.add(one);
    const started = await Promise.allSettled(
      spec.services.map((service) => this.#ensure({ cluster, tenantId, service, size, environment })),
    );
    const failed = started.flatMap(({ status, ...result }, i): Part[] => {
      if (!('reason' in result)) return [];
      if (!isDomainError(result.reason, 'UNAVAILABLE')) throw result.reason;
      return [{ name: spec.services[i] ?? '', status: 'failed', startedAt: TIME, reason: result.reason.message }];
    });
    if (failed.length > 0) throw new PartsFailed(failed);
    for (const [name, { spec: old }] of this.#servicesOf(id)) {
      if (!spec.services.includes(old.service) || old.cluster !== cluster) this.#services.delete(name);
    }
    return await this.deployment(id);
  }

  async withdraw(id: DeploymentId): Promise<DeploymentStatus> {
    tenantOf(id);
    for (const [name] of this.#servicesOf(id)) this.#services.delete(name);
    this.#clusters.delete(id);
    this.#deployments.delete(id);
    return await this.deployment(id);
  }

  async deployment(id: DeploymentId): Promise<DeploymentStatus> {
    tenantOf(id);
    const deployment = this.#deployments.get(id);
    if (!deployment) return { state: 'absent', parts: [] };
    const parts = this.#servicesOf(id).map(([, { spec, desired, tasks }]): Part => {
      const status = tasks.filter(isHealthy).length >= desired ? 'done' : 'running';
      return { name: spec.service, status, startedAt: TIME };
    });
    const isReady = parts.length > 0 && parts.every(({ status }) => status === 'done');
    const { cluster, release } = deployment;
    return { state: isReady ? 'ready' : 'changing', cluster, release, parts };
  }

  async services(filter: { cluster?: ClusterId; tenantId?: string } = {}): Promise<readonly ServiceStatus[]> {
    return [...this.#services.values()]
      .filter(({ spec }) => filter.cluster === undefined || spec.cluster === filter.cluster)
      .filter(({ spec }) => filter.tenantId === undefined || spec.tenantId === filter.tenantId)
      .map(({ spec: { cluster, tenantId, service }, desired, tasks }) => ({
        ...{ cluster, tenantId, service, desired, tasks },
        restarts: 0,
      }));
  }

  async restartService(key: ServiceKey): Promise<void> {
    const running = this.#require(key);
    this.#services.set(nameOf(key), { ...running, tasks: this.#fill([], running.desired) });
  }

  async scaleService(key: ServiceKey, desired: number): Promise<void> {
    const running = this.#require(key);
    const { max } = running.spec.size;
    if (!Number.isInteger(desired) || desired < 0 || desired > max) {
      throw new DomainError('INVALID', `desired must be 0..${max}, got ${desired}`);
    }
    this.#services.set(nameOf(key), { ...running, desired, tasks: this.#fill(running.tasks, desired) });
  }

  specs(): readonly FakeService[] {
    return [...this.#services.values()].map(({ spec }) => spec);
  }

  async #ensure(spec: FakeService): Promise<void> {
    this.beforeService(spec);
    this.load.most = Math.max(this.load.most, ++this.load.now);
    await new Promise((resolve) => setImmediate(resolve));
    this.load.now--;
    const before = this.#services.get(nameOf(spec));
    const desired = before?.desired ?? spec.size.desired;
    const kept = before && isDeepStrictEqual(before.spec, spec) ? before.tasks.filter(isHealthy) : [];
    const isBroken = this.broken.has(`${spec.tenantId ?? 'pooled'}/${spec.service}`);
    this.#services.set(nameOf(spec), { spec, desired, tasks: isBroken ? [] : this.#fill(kept, desired) });
    if (isBroken) throw new DomainError('UNAVAILABLE', `service ${spec.service} does not start: its file is damaged`);
  }

  #servicesOf(id: DeploymentId): [string, Running][] {
    return [...this.#services].filter(([, { spec }]) => deploymentIdOf(spec.tenantId) === id);
  }

  #require(key: ServiceKey): Running {
    const running = this.#services.get(nameOf(key));
    if (!running) throw new DomainError('NOT_FOUND', `service ${nameOf(key)} not found`);
    return running;
  }

  /** The first `count` of `tasks`, with new healthy ones where there are fewer. */
  #fill(tasks: readonly TaskStatus[], count: number): TaskStatus[] {
    const filled = tasks.slice(0, count);
    while (filled.length < count) filled.push(newTask(++this.#started));
    return filled;
  }
}

function newTask(n: number): TaskStatus {
  return { taskId: `task-${n}`, pid: n, state: 'healthy', endpoint: `/run/task-${n}.sock`, startedAt: TIME };
}

function isHealthy({ state }: TaskStatus): boolean {
  return state === 'healthy';
}

function nameOf({ cluster, tenantId, service }: ServiceKey): string {
  return `${cluster}/${tenantId ?? '-'}/${service}`;
}

/** The stores of tenants in memory. Passes the TenantData contract suite. */
export class FakeTenantData implements TenantData {
  /** What closes and deletes tenants' data, in order. */
  readonly calls: string[] = [];
  readonly tenants = new Set<string>();
  readonly #runtime: FakeRuntime;

  constructor(runtime: FakeRuntime) {
    this.#runtime = runtime;
  }

  async ensure(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    this.tenants.add(tenantId);
  }

  async has(tenantId: string): Promise<boolean> {
    requireTenantId(tenantId);
    return this.tenants.has(tenantId);
  }

  async delete(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    if (this.#runtime.specs().some((spec) => spec.tenantId === tenantId)) {
      throw new DomainError('CONFLICT', `data of tenant ${tenantId} cannot be deleted while its services run`);
    }
    this.calls.push(`delete ${tenantId}`);
    this.tenants.delete(tenantId);
  }

  async close(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    this.calls.push(`close ${tenantId}`);
  }
}
