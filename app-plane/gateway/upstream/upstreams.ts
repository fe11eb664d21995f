import type { Route, ServiceEndpoints } from '../../../core/routing/registry.ts';
import { Upstream, type UpstreamLimits } from './upstream.ts';

/** All tasks the gateway may send requests to. */
export interface Upstreams {
  /** Takes the whole directory anew. Requests under way at a task that is gone from it are finished. */
  replace(all: readonly ServiceEndpoints[]): void;
  /** Tasks of the route's service; empty where none is healthy. */
  of(route: Route, service: string): readonly Upstream[];
  /** Whether each of `services` has a pooled task. */
  hasPooled(services: readonly string[]): boolean;
  /** Ends every connection at once. */
  destroy(): void;
}

const NONE: readonly Upstream[] = [];

export function createUpstreams(limits: UpstreamLimits): Upstreams {
  let services = new Map<string, readonly Upstream[]>();
  let bySocket = new Map<string, Upstream>();

  return {
    replace(all) {
      const nextServices = new Map<string, readonly Upstream[]>();
      const nextBySocket = new Map<string, Upstream>();
      for (const { cluster, tenantId, service, sockets } of all) {
        const tasks = sockets.map((path) => bySocket.get(path) ?? new Upstream(path, limits));
        for (const task of tasks) nextBySocket.set(task.socketPath, task);
        nextServices.set(keyOf(cluster, tenantId, service), tasks);
      }
      for (const [path, gone] of bySocket) if (!nextBySocket.has(path)) gone.close();
      services = nextServices;
      bySocket = nextBySocket;
    },
    of: (route, service) => services.get(keyOf(route.cluster, route.silo ? route.tenantId : null, service)) ?? NONE,
    hasPooled: (names) => names.every((name) => (services.get(keyOf('pool', null, name))?.length ?? 0) > 0),
    destroy() {
      for (const task of bySocket.values()) task.destroy();
    },
  };
}

/** The task with the fewest requests under way, of those not `tried` if there are others; undefined if none has room. */
export function leastBusy(tasks: readonly Upstream[], maxActive: number, tried?: Upstream): Upstream | undefined {
  let best: Upstream | undefined;
  for (const task of tasks) {
    if (task.active >= maxActive || (task === tried && tasks.length > 1)) continue;
    if (best === undefined || task.active < best.active) best = task;
  }
  return best;
}

function keyOf(cluster: string, tenantId: string | null, service: string): string {
  return `${cluster} ${tenantId ?? ''} ${service}`;
}
