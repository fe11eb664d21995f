import type { TaskSize } from '../tier/tiers.ts';

/** `pool` serves all pooled tenants, `shared` holds the services of tenants that have services but no cluster of their own. */
export type ClusterId = 'pool' | 'shared' | `tenant-${string}`;

/** Which service of whom. */
export interface ServiceKey {
  readonly cluster: ClusterId;
  /** The tenant it serves; null for a pooled service. */
  readonly tenantId: string | null;
  /** Folder under services/. */
  readonly service: string;
}

export interface ServiceSpec extends ServiceKey {
  readonly size: TaskSize;
  /** Further environment of the task (issuers, identity's address); no secrets. */
  readonly environment: Readonly<Record<string, string>>;
}

export type TaskState = 'starting' | 'healthy' | 'unhealthy' | 'draining' | 'stopped';

export interface TaskStatus {
  readonly taskId: string;
  readonly pid: number;
  readonly state: TaskState;
  /** Path of the Unix socket it listens on. */
  readonly endpoint: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Resident memory, in bytes, as last seen. */
  readonly rssBytes?: number;
}

export interface ServiceStatus extends ServiceKey {
  readonly desired: number;
  readonly tasks: readonly TaskStatus[];
  /** Unplanned restarts since the cluster's agent started. */
  readonly restarts: number;
  /** Why the last task ended unasked: `exit 1`, `killed SIGKILL`, `hung`, `memory 210 MiB over 192 MiB`. */
  readonly lastFailure?: string;
  /** User id the tasks run under; undefined where all share the platform's. */
  readonly uid?: number;
}

/** Compute. Embedded: a supervisor of agents and child processes. AWS: CloudFormation and ECS. All calls idempotent. */
export interface Runtime {
  ensureCluster(cluster: ClusterId): Promise<void>;
  /** Ends the cluster with every task in it. */
  deleteCluster(cluster: ClusterId): Promise<void>;
  clusters(): Promise<readonly ClusterId[]>;

  /** Resolves when as many tasks as desired are healthy; throws UNAVAILABLE with the reason if they do not get so in time. */
  ensureService(spec: ServiceSpec): Promise<void>;
  /** Drains and ends its tasks; its data stay. */
  deleteService(key: ServiceKey): Promise<void>;
  services(filter?: { readonly cluster?: ClusterId; readonly tenantId?: string }): Promise<readonly ServiceStatus[]>;
  /** Rolling replacement: a new task is healthy before an old one drains. Throws NOT_FOUND. */
  restartService(key: ServiceKey): Promise<void>;
  /** Throws NOT_FOUND, or INVALID outside 0..max. Survives restarts. */
  scaleService(key: ServiceKey, desired: number): Promise<void>;

  /** A silo tenant's own data store (directory or tables). */
  ensureTenantData(tenantId: string): Promise<void>;
  /** Everything the tenant stored, silo and pooled, also past the first page. */
  deleteTenantData(tenantId: string): Promise<void>;
  hasTenantData(tenantId: string): Promise<boolean>;
}
