import { Pool } from 'undici';
import type { Route, ServiceEndpoints } from '../../core/routing/registry.ts';

export interface UpstreamLimits {
  /** @default 2_000 (2 seconds) */
  readonly connectTimeoutMs?: number;
  /** From the request to the response's first byte. @default 30_000 (30 seconds) */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of a response. @default 60_000 (1 minute) */
  readonly bodyTimeoutMs?: number;
  /** Connections to one task; requests beyond wait. @default 128 */
  readonly connections?: number;
  /** Requests at one task, waiting ones included; beyond it is taken for unavailable. @default 2_048 */
  readonly maxActive?: number;
}

/** One task's socket with its connections. */
export interface Upstream {
  readonly socketPath: string;
  readonly pool: Pool;
  /** Requests dispatched and not yet ended. */
  active: number;
}

export function openUpstream(socketPath: string, limits: UpstreamLimits): Upstream {
  const pool = new Pool('http://localhost', {
    socketPath,
    connections: limits.connections ?? 128,
    pipelining: 1,
    connectTimeout: limits.connectTimeoutMs ?? 2_000,
    headersTimeout: limits.headersTimeoutMs ?? 30_000,
    bodyTimeout: limits.bodyTimeoutMs ?? 60_000,
    keepAliveTimeout: 4_000,
  });
  return { socketPath, pool, active: 0 };
}

/** All tasks the gateway may send requests to. */
export interface Upstreams {
  /** Takes the whole directory anew. Requests under way at a task that is gone from it are finished. */
  replace(all: readonly ServiceEndpoints[]): void;
  /** Tasks of the route's service; empty where none is healthy. */
  of(route: Route, service: string): readonly Upstream[];
  /** Whether each of `services` has a pooled task. */
  hasPooled(services: readonly string[]): boolean;
  /** Ends every connection at once. */
  destroy(): Promise<void>;
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
        const tasks = sockets.map((path) => bySocket.get(path) ?? openUpstream(path, limits));
        for (const task of tasks) nextBySocket.set(task.socketPath, task);
        nextServices.set(keyOf(cluster, tenantId, service), tasks);
      }
      // close() waits for what is under way; a task that dies meanwhile ends it with an error, which its request meets.
      for (const [path, gone] of bySocket) if (!nextBySocket.has(path)) gone.pool.close().catch(() => {});
      services = nextServices;
      bySocket = nextBySocket;
    },
    of: (route, service) => services.get(keyOf(route.cluster, route.silo ? route.tenantId : null, service)) ?? NONE,
    hasPooled: (names) => names.every((name) => (services.get(keyOf('pool', null, name))?.length ?? 0) > 0),
    async destroy() {
      await Promise.all([...bySocket.values()].map(({ pool }) => pool.destroy()));
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
