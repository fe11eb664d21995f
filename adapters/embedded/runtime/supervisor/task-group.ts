import type { ServiceKey } from '../../../../core/ports/runtime.ts';

/** Stands for the tenant in the cgroup names of pooled tasks. Tenant ids have at least 8 characters. */
const POOLED = 'pooled';

/** Name of a task's cgroup. No part contains a dot. */
export function groupOf({ cluster, tenantId }: Pick<ServiceKey, 'cluster' | 'tenantId'>, taskId: string): string {
  return `${cluster}.${tenantId ?? POOLED}.${taskId}`;
}

/** Whether the cgroup is of one of the cluster's tasks. */
export function isGroupOfCluster(group: string, cluster: string): boolean {
  return group.startsWith(`${cluster}.`);
}

/** The silo tenant whose task has this cgroup. */
export function tenantOfGroup(group: string): string | undefined {
  const tenant = group.split('.')[1];
  return tenant === POOLED ? undefined : tenant;
}
