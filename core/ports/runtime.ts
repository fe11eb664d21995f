import { DomainError } from '../errors.ts';
import type { Step } from '../progress/step.ts';
import type { Capacity, Packing, TaskSize, TierName } from '../tier/tiers.ts';
import type { ClusterId, Place } from './places.ts';

/** Identifies a service. */
export interface ServiceKey {
  readonly cluster: ClusterId;
  /** The one tenant that the service serves; null for a pooled service. */
  readonly tenantId: string | null;
  /** Folder under services/. */
  readonly service: string;
}

/** The services of the pool or of one silo tenant. They are deployed, updated, rolled back and withdrawn as one unit. */
export type DeploymentId = 'pool' | `tenant-${string}`;

export interface DeploymentSpec {
  readonly id: DeploymentId;
  readonly cluster: ClusterId;
  /** The one tenant that the deployment serves; null for the pool. */
  readonly tenantId: string | null;
  readonly tier: TierName;
  /** Size of each task. */
  readonly size: TaskSize;
  /**
   * Folders under services/, at least one. Embedded: services that are not listed are removed from the deployment. AWS: the
   * template fixes the services, so `deploy` throws INVALID for another list.
   */
  readonly services: readonly string[];
  /** The release of the application that the tasks run, such as `0.1.0`. */
  readonly release: string;
  /** Environment variables of the tasks (issuers, address of identity). No secrets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly place: Place;
  /** AWS only. @default - what the installation has configured for the tier */
  readonly packing?: Packing;
  /** AWS only. Throws INVALID if the installation does not offer it. @default - as for `packing` */
  readonly capacity?: Capacity;
  /**
   * AWS only: names the request, so that a spec whose last attempt has failed is attempted again. 1 to 16 lower-case letters
   * and digits. @default - the same spec is not attempted again
   */
  readonly request?: string;
}

/** One service of a deployment, with its progress: `name` is the service's. `done`: as many tasks are healthy as desired. */
export type Part = Step;

export interface DeploymentStatus {
  /**
   * `absent`: nothing is left of it. `changing`: work on it goes on, also after a task has failed. `ready`: every part is
   * done. `failed`: the last change was rolled back or could not be undone; no work goes on.
   */
  readonly state: 'absent' | 'changing' | 'ready' | 'failed';
  /** Undefined if it is absent. */
  readonly cluster?: ClusterId;
  /** The release that was deployed last. */
  readonly release?: string;
  /** What it waits for, or why it failed, in plain words. */
  readonly reason?: string;
  readonly parts: readonly Part[];
}

export type TaskState = 'starting' | 'healthy' | 'unhealthy' | 'draining' | 'stopped';

export interface TaskStatus {
  readonly taskId: string;
  /** Process id; 0 if the task runs on another machine. */
  readonly pid: number;
  readonly state: TaskState;
  /** Path of the Unix socket that the task listens on, or its URL on another machine; empty while it has no address. */
  readonly endpoint: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Resident memory at the last check, in bytes. */
  readonly rssBytes?: number;
}

export interface ServiceStatus extends ServiceKey {
  readonly desired: number;
  readonly tasks: readonly TaskStatus[];
  /** Tasks replaced after they failed, since the cluster's agent started. */
  readonly restarts: number;
  /** Why the last task failed: `exit 1`, `killed SIGKILL`, `hung`, `memory 210 MiB over 192 MiB`. */
  readonly lastFailure?: string;
  /** User id of the tasks. @default - the platform's */
  readonly uid?: number;
  /** The name that the cluster has in its cloud. @default - the cluster is on this machine */
  readonly clusterName?: string;
  /** Ids of the security groups of the tasks. @default - none, as for `clusterName` */
  readonly securityGroups?: readonly string[];
}

/** Parts of a deployment that are not healthy in time. Code UNAVAILABLE: the work goes on, and a later call may succeed. */
export class PartsFailed extends DomainError {
  /** At least one; each has a reason. */
  readonly parts: readonly Part[];

  constructor(parts: readonly Part[], options: { cause?: unknown } = {}) {
    super('UNAVAILABLE', parts[0]?.reason ?? 'the services are not healthy in time', options);
    this.name = 'PartsFailed';
    this.parts = parts;
  }
}

/**
 * Compute. Embedded: a supervisor of agents and child processes. AWS: CloudFormation and ECS. Every method is idempotent,
 * and throws INVALID for an id that does not match its pattern (core/tenant/ids.ts).
 */
export interface Runtime {
  /**
   * Starts to bring the deployment to the spec, or continues. Creates the cluster that it needs. Returns within seconds on
   * AWS; the embedded home waits until every part is done. Returns `failed` as long as the last attempt at this same spec
   * has failed; another spec, another `request`, or `withdraw`, ends that. Throws INVALID before it changes anything, and UNAVAILABLE
   * (`PartsFailed` where it knows the parts) if a later call may succeed.
   */
  deploy(spec: DeploymentSpec): Promise<DeploymentStatus>;
  /**
   * Ends the deployment's tasks, and its cluster if the cluster is the tenant's own. `absent` when nothing is left. Data
   * are retained. Returns `failed` with the reason if something could not be removed, and tries again with each call.
   */
  withdraw(id: DeploymentId): Promise<DeploymentStatus>;
  deployment(id: DeploymentId): Promise<DeploymentStatus>;

  services(filter?: { readonly cluster?: ClusterId; readonly tenantId?: string }): Promise<readonly ServiceStatus[]>;
  /** Replaces the tasks one by one: a new task is healthy before an old one drains. Throws NOT_FOUND. */
  restartService(key: ServiceKey): Promise<void>;
  /** Sets the number of tasks, which a restart of the platform keeps. Throws NOT_FOUND, INVALID outside 0..max. */
  scaleService(key: ServiceKey, desired: number): Promise<void>;
}
