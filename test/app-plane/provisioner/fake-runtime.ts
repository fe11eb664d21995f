import { isDeepStrictEqual } from 'node:util';
import { DomainError } from '../../../core/errors.ts';
import type {
  ClusterId,
  Runtime,
  ServiceKey,
  ServiceSpec,
  ServiceStatus,
  TaskStatus,
} from '../../../core/ports/runtime.ts';
import { TENANT_ID } from '../../../core/tenant/ids.ts';

interface Running {
  readonly spec: ServiceSpec;
  readonly desired: number;
  readonly tasks: readonly TaskStatus[];
}

/**
 * Compute in memory, so that tests can stop, fail and repeat any call and then look at what runs. Passes the Runtime
 * contract suite.
 */
export class FakeRuntime implements Runtime {
  /** Deletions of tenants' data and what closes it, in order. */
  readonly dataCalls: string[] = [];
  readonly data = new Set<string>();
  readonly #clusters = new Set<ClusterId>();
  readonly #services = new Map<string, Running>();
  /** Calls of ensureService at the same time: now, and the most so far. */
  readonly load = { now: 0, most: 0 };
  #started = 0;
  /** Services, as `<tenant or pooled>/<service>`, whose tasks do not start. */
  readonly broken = new Set<string>();

  /** Ends every process of the machine; data stay. */
  die(): void {
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

  async ensureCluster(cluster: ClusterId): Promise<void> {
    this.#clusters.add(cluster);
  }

  async deleteCluster(cluster: ClusterId): Promise<void> {
    this.#clusters.delete(cluster);
    for (const [name, { spec }] of this.#services) if (spec.cluster === cluster) this.#services.delete(name);
  }

  async clusters(): Promise<readonly ClusterId[]> {
    return [...this.#clusters];
  }

  async ensureService(spec: ServiceSpec): Promise<void> {
    requireTenantId(spec.tenantId);
    this.load.most = Math.max(this.load.most, ++this.load.now);
    await new Promise((resolve) => setImmediate(resolve));
    this.load.now--;
    this.#clusters.add(spec.cluster);
    const before = this.#services.get(nameOf(spec));
    const desired = before?.desired ?? spec.size.desired;
    const kept = before && isDeepStrictEqual(before.spec, spec) ? before.tasks.filter(isHealthy) : [];
    const isBroken = this.broken.has(`${spec.tenantId ?? 'pooled'}/${spec.service}`);
    this.#services.set(nameOf(spec), { spec, desired, tasks: isBroken ? [] : this.#fill(kept, desired) });
    if (isBroken) throw new DomainError('UNAVAILABLE', `service ${spec.service} does not start: its file is damaged`);
  }

  async deleteService(key: ServiceKey): Promise<void> {
    this.#services.delete(nameOf(key));
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

  async ensureTenantData(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    this.data.add(tenantId);
  }

  async deleteTenantData(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    this.dataCalls.push(`delete ${tenantId}`);
    this.data.delete(tenantId);
  }

  async closeTenantData(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    this.dataCalls.push(`close ${tenantId}`);
  }

  async hasTenantData(tenantId: string): Promise<boolean> {
    return this.data.has(tenantId);
  }

  specs(): readonly ServiceSpec[] {
    return [...this.#services.values()].map(({ spec }) => spec);
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
  const startedAt = new Date(0).toISOString();
  return { taskId: `task-${n}`, pid: n, state: 'healthy', endpoint: `/run/task-${n}.sock`, startedAt };
}

function isHealthy({ state }: TaskStatus): boolean {
  return state === 'healthy';
}

function requireTenantId(tenantId: string | null): void {
  if (tenantId !== null && !TENANT_ID.test(tenantId)) {
    throw new DomainError('INVALID', `tenantId must match ${TENANT_ID.source}, got '${tenantId}'`);
  }
}

function nameOf({ cluster, tenantId, service }: ServiceKey): string {
  return `${cluster}/${tenantId ?? '-'}/${service}`;
}
