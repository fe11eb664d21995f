import type { Route, ServiceEndpoints, ServiceFailure } from '../../core/routing/registry.ts';
import type { CreateUpstream, Upstream, UpstreamLimits } from './upstream/upstream.ts';

const NO_TASKS: readonly Upstream[] = [];

/** The healthy tasks of every service. */
export class TaskDirectory {
  readonly #createUpstream: CreateUpstream;
  readonly #limits: UpstreamLimits;
  #byService = new Map<string, readonly Upstream[]>();
  #bySocket = new Map<string, Upstream>();
  #failures = new Map<string, ServiceFailure>();

  constructor(createUpstream: CreateUpstream, limits: UpstreamLimits) {
    this.#createUpstream = createUpstream;
    this.#limits = limits;
  }

  /** Replaces all tasks. A task that is no longer listed finishes its requests. */
  replace(all: readonly ServiceEndpoints[]): void {
    const byService = new Map<string, readonly Upstream[]>();
    const bySocket = new Map<string, Upstream>();
    const failures = new Map<string, ServiceFailure>();
    for (const { cluster, tenantId, service, sockets, failure } of all) {
      if (failure !== undefined) failures.set(serviceKey(cluster, tenantId, service), failure);
      const tasks = sockets.map((path) => this.#bySocket.get(path) ?? this.#createUpstream(path, this.#limits));
      for (const task of tasks) bySocket.set(task.socketPath, task);
      byService.set(serviceKey(cluster, tenantId, service), tasks);
    }
    for (const [path, task] of this.#bySocket) if (!bySocket.has(path)) task.close();
    this.#byService = byService;
    this.#bySocket = bySocket;
    this.#failures = failures;
  }

  /** The tasks that serve the route's tenant. Empty if none is healthy. */
  tasksOf(route: Route, service: string): readonly Upstream[] {
    return this.#byService.get(keyOf(route, service)) ?? NO_TASKS;
  }

  /** Why no task serves the route's tenant, if the platform has reported a failure. */
  failureOf(route: Route, service: string): ServiceFailure | undefined {
    return this.#failures.get(keyOf(route, service));
  }

  /** Whether each of the services has a pooled task, or is reported as failed: the others can be served without it. */
  hasPooled(services: readonly string[]): boolean {
    return services.every((name) => {
      const key = serviceKey('pool', null, name);
      return (this.#byService.get(key)?.length ?? 0) > 0 || this.#failures.has(key);
    });
  }

  /** The pooled services that are reported as failed. */
  failedPooled(services: readonly string[]): string[] {
    return services.filter((name) => this.#failures.has(serviceKey('pool', null, name)));
  }

  /** Closes every connection at once. */
  destroy(): void {
    for (const task of this.#bySocket.values()) task.destroy();
  }
}

/**
 * The task with the fewest requests. Avoids `tried` if there are others.
 * @returns undefined if every task has `maxActive` requests
 */
export function leastBusy(tasks: readonly Upstream[], maxActive: number, tried?: Upstream): Upstream | undefined {
  let best: Upstream | undefined;
  for (const task of tasks) {
    if (task.active >= maxActive || (task === tried && tasks.length > 1)) continue;
    if (best === undefined || task.active < best.active) best = task;
  }
  return best;
}

function keyOf(route: Route, service: string): string {
  return serviceKey(route.cluster, route.silo ? route.tenantId : null, service);
}

function serviceKey(cluster: string, tenantId: string | null, service: string): string {
  return `${cluster} ${tenantId ?? ''} ${service}`;
}
