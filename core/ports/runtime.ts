import type { TaskSize } from '../tier/tiers.ts';

/** `pool` serves all pooled tenants, `shared` holds the services of tenants that have services but no cluster of their own. */
export type ClusterId = 'pool' | 'shared' | `tenant-${string}`;

/** Identifies a service. */
export interface ServiceKey {
  readonly cluster: ClusterId;
  /** The one tenant that the service serves; null for a pooled service. */
  readonly tenantId: string | null;
  /** Folder under services/. */
  readonly service: string;
}

export interface ServiceSpec extends ServiceKey {
  readonly size: TaskSize;
  /** Environment variables of its tasks (issuers, address of identity). No secrets. */
  readonly environment: Readonly<Record<string, string>>;
}

export type TaskState = 'starting' | 'healthy' | 'unhealthy' | 'draining' | 'stopped';

export interface TaskStatus {
  readonly taskId: string;
  readonly pid: number;
  readonly state: TaskState;
  /** Path of the Unix socket that the task listens on. */
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
}

/**
 * Compute. Embedded: a supervisor of agents and child processes. AWS: CloudFormation and ECS. Every method is idempotent,
 * and throws INVALID for an id that does not match its pattern (core/tenant/ids.ts).
 */
export interface Runtime {
  ensureCluster(cluster: ClusterId): Promise<void>;
  /** Ends the cluster and every task in it. */
  deleteCluster(cluster: ClusterId): Promise<void>;
  clusters(): Promise<readonly ClusterId[]>;

  /**
   * Creates the service, and its cluster if needed, or applies a changed spec. Resolves when as many tasks as desired are
   * healthy. Throws UNAVAILABLE with the reason if they are not healthy in time.
   */
  ensureService(spec: ServiceSpec): Promise<void>;
  /** Drains and ends the service's tasks. Data stay. */
  deleteService(key: ServiceKey): Promise<void>;
  services(filter?: { readonly cluster?: ClusterId; readonly tenantId?: string }): Promise<readonly ServiceStatus[]>;
  /** Replaces the tasks one by one: a new task is healthy before an old one drains. Throws NOT_FOUND. */
  restartService(key: ServiceKey): Promise<void>;
  /** Sets the number of tasks, which a restart of the platform keeps. Throws NOT_FOUND, INVALID outside 0..max. */
  scaleService(key: ServiceKey, desired: number): Promise<void>;

  /** Creates the data store of a silo tenant: a directory or tables. */
  ensureTenantData(tenantId: string): Promise<void>;
  /** Deletes all data of the tenant, silo and pooled, however many. */
  deleteTenantData(tenantId: string): Promise<void>;
  /** Refuses the tenant's further writes to pooled stores, for good. Call it before the last `deleteTenantData`. */
  closeTenantData(tenantId: string): Promise<void>;
  hasTenantData(tenantId: string): Promise<boolean>;
}
