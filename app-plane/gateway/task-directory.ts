import type { Route, ServiceEndpoints } from '../../core/routing/registry.ts';
import type { CreateUpstream, Upstream, UpstreamLimits } from './upstream/upstream.ts';

const NO_TASKS: readonly Upstream[] = [];

/** The healthy tasks of every service. */
export class TaskDirectory {
  readonly #createUpstream: CreateUpstream;
  readonly #limits: UpstreamLimits;
  #byService = new Map<string, readonly Upstream[]>();
  #bySocket = new Map<string, Upstream>();

  constructor(createUpstream: CreateUpstream, limits: UpstreamLimits) {
    this.#createUpstream = createUpstream;
    this.#limits = limits;
  }

  /** Replaces all tasks. A task that is no longer listed finishes its requests. */
  replace(all: readonly ServiceEndpoints[]): void {
    const byService = new Map<string, readonly Upstream[]>();
    const bySocket = new Map<string, Upstream>();
    for (const { cluster, tenantId, service, sockets } of all) {
      const tasks = sockets.map((path) => this.#bySocket.get(path) ?? this.#createUpstream(path, this.#limits));
      for (const task of tasks) bySocket.set(task.socketPath, task);
      byService.set(serviceKey(cluster, tenantId, service), tasks);
    }
    for (const [path, task] of this.#bySocket) if (!bySocket.has(path)) task.close();
    this.#byService = byService;
    this.#bySocket = bySocket;
  }

  /** The tasks that serve the route's tenant. Empty if none is healthy. */
  tasksOf(route: Route, service: string): readonly Upstream[] {
    return this.#byService.get(serviceKey(route.cluster, route.silo ? route.tenantId : null, service)) ?? NO_TASKS;
  }

  /** Whether each of the services has a pooled task. */
  hasPooled(services: readonly string[]): boolean {
    return services.every((name) => (this.#byService.get(serviceKey('pool', null, name))?.length ?? 0) > 0);
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

function serviceKey(cluster: string, tenantId: string | null, service: string): string {
  return `${cluster} ${tenantId ?? ''} ${service}`;
}
