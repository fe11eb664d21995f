import type { ClusterId, ServiceKey, TaskStatus } from '../../../../core/ports/runtime.ts';
import type { TaskSize } from '../../../../core/tier/tiers.ts';

/** What the platform tells an agent, an agent the platform, and an agent its tasks. JSON over Node's IPC channel. */

/** How a task's share of CPU is held. */
export type CpuCap =
  | {
      readonly kind: 'cgroup-v1' | 'cgroup-v2' /** Directory in which each task gets its own. */;
      readonly root: string;
    }
  | { readonly kind: 'nice' };

export interface AgentConfig {
  readonly cluster: ClusterId;
  /** In every process's environment, by which the start sweep knows what is ours. */
  readonly instance: string;
  /** Where the agent writes which processes it has. */
  readonly recordFile: string;
  /** Path of a setpriv whose --pdeathsig works; undefined where there is none. */
  readonly setpriv: string | undefined;
  readonly cpu: CpuCap;
  /** Compile cache that the tasks may read. */
  readonly cacheDir: string;
}

/** All that is needed to run a service's tasks. */
export interface ServicePlan extends ServiceKey {
  readonly desired: number;
  readonly size: TaskSize;
  readonly environment: Readonly<Record<string, string>>;
  /** Another number replaces every task, one by one. */
  readonly generation: number;
  readonly bundle: string;
  readonly dataFile: string;
  readonly logFile: string;
  /** Exists, and belongs to `uid`. */
  readonly socketDir: string;
  /** Runs the tasks as this user and group. @default - the agent's own */
  readonly uid?: number;
}

/** A service as its agent sees it. */
export interface ServiceReport extends ServiceKey {
  /** Of the last plan applied. */
  readonly revision: number;
  /** As many tasks as desired are healthy, and none of an earlier generation takes requests. */
  readonly settled: boolean;
  readonly tasks: readonly TaskStatus[];
  /** Sockets to send requests to. */
  readonly endpoints: readonly string[];
  readonly restarts: number;
  readonly lastFailure?: string;
}

export type ToAgent =
  | { readonly type: 'init'; readonly config: AgentConfig }
  /** `revision` rises with each plan of the service, and comes back in reports. */
  | { readonly type: 'apply'; readonly revision: number; readonly plan: ServicePlan }
  | { readonly type: 'remove'; readonly key: ServiceKey }
  /** Drain everything and exit. */
  | { readonly type: 'end' };

export type FromAgent =
  | { readonly type: 'ready' }
  | { readonly type: 'report'; readonly report: ServiceReport }
  | { readonly type: 'removed'; readonly key: ServiceKey }
  | { readonly type: 'log'; readonly level: 'info' | 'warn'; readonly fields: object; readonly message: string };

export type ToTask =
  /** Sockets of the services of the same cluster and tenant, by name. */
  | { readonly type: 'directory'; readonly services: Readonly<Record<string, readonly string[]>> }
  /** Take no more requests, finish those at hand, exit 0. */
  | { readonly type: 'drain' };

export type FromTask = { readonly type: 'ready' };

/** A service's key as one string, for maps. */
export function nameOf({ cluster, tenantId, service }: ServiceKey): string {
  return `${cluster}/${tenantId ?? 'pooled'}/${service}`;
}
