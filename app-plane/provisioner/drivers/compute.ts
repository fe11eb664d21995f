import type { ObservedResource, ResourceDriver, ResourceOf } from '../../../core/plan/resources.ts';
import type { ClusterId, Runtime, ServiceKey, ServiceStatus } from '../../../core/ports/runtime.ts';
import type { TierName } from '../../../core/tier/tiers.ts';

/** Environment of a service's tasks; `tenantId` is null for a pooled service. No secrets. */
export type EnvironmentOf = (
  cluster: ClusterId,
  tenantId: string | null,
  tier: TierName,
) => Readonly<Record<string, string>>;

type Kind = 'cluster' | 'service';

/** The driver of a tenant's own cluster and services. It never sees the clusters that tenants share. */
export function createComputeDriver(options: {
  readonly runtime: Runtime;
  readonly environmentOf: EnvironmentOf;
}): ResourceDriver<Kind> {
  const { runtime, environmentOf } = options;
  return {
    kinds: ['cluster', 'service'],
    async observe(tenantId) {
      const [clusters, services] = await Promise.all([runtime.clusters(), runtime.services({ tenantId })]);
      const own: ClusterId = `tenant-${tenantId}`;
      const resources: ObservedResource<Kind>[] = services.flatMap((status) => observedService(status, tenantId));
      if (clusters.includes(own)) resources.push({ kind: 'cluster', name: own, tenantId, spec: {} });
      return resources;
    },
    apply: (change) =>
      change.action === 'delete' ? remove(change.resource, runtime) : ensure(change.resource, runtime, environmentOf),
  };
}

async function ensure(resource: ResourceOf<Kind>, runtime: Runtime, environmentOf: EnvironmentOf): Promise<void> {
  if (resource.kind === 'cluster') return runtime.ensureCluster(resource.name);
  const { tier, size } = resource.inputs;
  const key = serviceKeyOf(resource);
  await runtime.ensureService({ ...key, size, environment: environmentOf(key.cluster, key.tenantId, tier) });
}

async function remove(resource: ObservedResource<Kind>, runtime: Runtime): Promise<void> {
  if (resource.kind === 'cluster') return runtime.deleteCluster(resource.name);
  await runtime.deleteService(serviceKeyOf(resource));
}

function serviceKeyOf({ tenantId, spec: { cluster, service } }: ObservedResource<'service'>): ServiceKey {
  return { cluster, tenantId, service };
}

function observedService(status: ServiceStatus, tenantId: string): ObservedResource<'service'>[] {
  if (status.tenantId !== tenantId) return [];
  const { cluster, service, desired, tasks } = status;
  const healthy = tasks.filter((task) => task.state === 'healthy').length;
  const spec = { cluster, service, ready: healthy >= desired };
  return [{ kind: 'service', name: `${cluster}/${service}`, tenantId, spec }];
}
