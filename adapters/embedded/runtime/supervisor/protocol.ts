import type { ClusterId } from '../../../../core/ports/places.ts';
import type { ServiceKey, TaskStatus } from '../../../../core/ports/runtime.ts';
import type { ServiceFailure } from '../../../../core/routing/registry.ts';
import type { TaskSize } from '../../../../core/tier/tiers.ts';

/** The messages between platform, agents and tasks: JSON over Node's IPC channels. */

/** How a task's share of CPU is limited. */
export type CpuCap =
  | {
      readonly kind: 'cgroup-v1' | 'cgroup-v2';
      /** The cgroup that holds one cgroup for each task. */
      readonly root: string;
    }
  /** Not limited; tasks run at a lower priority. */
  | { readonly kind: 'nice' };

export interface AgentConfig {
  readonly cluster: ClusterId;
  /** In the environment of every process, so that a later start recognises what this one left behind. */
  readonly instance: string;
  /** File in which the agent records its processes. */
  readonly recordFile: string;
  /** Path of a setpriv whose --pdeathsig works; undefined if there is none. */
  readonly setpriv: string | undefined;
  readonly cpu: CpuCap;
  /** Node's compile cache, which tasks may read but not write. */
  readonly cacheDir: string;
}

/** Everything an agent needs to run a service's tasks. */
export interface ServicePlan extends ServiceKey {
  readonly desired: number;
  readonly size: TaskSize;
  readonly environment: Readonly<Record<string, string>>;
  /** A new number replaces every task, one by one. */
  readonly generation: number;
  readonly bundle: string;
  readonly dataFile: string;
  readonly logFile: string;
  /** Exists and belongs to `uid`. */
  readonly socketDir: string;
  /** Runs the tasks as this user and group. @default - the agent's own */
  readonly uid?: number;
}

/** The state of a service, reported by its agent. */
export interface ServiceReport extends ServiceKey {
  /** Of the plan applied last. */
  readonly revision: number;
  /** The desired number of tasks is healthy, and no task of an earlier plan receives requests. */
  readonly converged: boolean;
  readonly tasks: readonly TaskStatus[];
  /** Paths of the sockets to send requests to. */
  readonly endpoints: readonly string[];
  readonly restarts: number;
  readonly lastFailure?: string;
  /** Present if no task serves and the last ones have failed: at their data, or for another reason. */
  readonly failure?: ServiceFailure;
}

export type ToAgent =
  | { readonly type: 'init'; readonly config: AgentConfig }
  /** `revision` increases with each plan of the service, and reports carry it. */
  | { readonly type: 'apply'; readonly revision: number; readonly plan: ServicePlan }
  | { readonly type: 'remove'; readonly key: ServiceKey }
  /** Respond with `pong`. */
  | { readonly type: 'ping' }
  /** Drain all tasks, then exit. */
  | { readonly type: 'end' };

export type FromAgent =
  | { readonly type: 'ready' }
  | { readonly type: 'report'; readonly report: ServiceReport }
  | { readonly type: 'removed'; readonly key: ServiceKey }
  | { readonly type: 'pong' }
  | { readonly type: 'log'; readonly level: 'info' | 'warn'; readonly fields: object; readonly message: string };

export type ToTask =
  /** Socket paths of the services in the same cluster and of the same tenant, by service name. */
  | { readonly type: 'directory'; readonly services: Readonly<Record<string, readonly string[]>> }
  /** Accept no more requests, finish those under way, then exit with 0. */
  | { readonly type: 'drain' };

export type FromTask =
  | { readonly type: 'ready' }
  /** The task cannot open its data, and ends. `reason` names the file and says what to do. */
  | { readonly type: 'data-failure'; readonly reason: string };

/** A service's key as one string. */
export function nameOf({ cluster, tenantId, service }: ServiceKey): string {
  return `${cluster}/${tenantId ?? 'pooled'}/${service}`;
}
