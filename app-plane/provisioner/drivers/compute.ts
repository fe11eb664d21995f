import type { Change, Resource, ResourceDriver } from '../../../core/plan/resources.ts';
import type { ClusterId, Runtime, ServiceKey, ServiceStatus } from '../../../core/ports/runtime.ts';
import type { JsonObject } from '../../../core/ports/table.ts';
import type { TaskSize, TierName } from '../../../core/tier/tiers.ts';

/** Environment of a service's tasks; `tenantId` is null for a pooled one. No secrets. */
export type EnvironmentOf = (
  cluster: ClusterId,
  tenantId: string | null,
  tier: TierName,
) => Readonly<Record<string, string>>;

/** The driver of a tenant's own cluster and services. The shared clusters are the platform's and never named here. */
export function createComputeDriver(options: {
  readonly runtime: Runtime;
  readonly environmentOf: EnvironmentOf;
}): ResourceDriver {
  const { runtime, environmentOf } = options;

  async function apply({ action, resource }: Change): Promise<void> {
    const { kind, name, tenantId, inputs } = resource;
    if (kind === 'cluster') {
      const cluster = name as ClusterId;
      return action === 'delete' ? runtime.deleteCluster(cluster) : runtime.ensureCluster(cluster);
    }
    const key = serviceKeyOf(resource);
    if (action === 'delete') return runtime.deleteService(key);
    const { tier, size } = inputs as { tier: TierName; size: JsonObject & TaskSize };
    await runtime.ensureService({ ...key, size, environment: environmentOf(key.cluster, tenantId, tier) });
  }

  return {
    kinds: ['cluster', 'service'],
    async observe(tenantId) {
      const [clusters, services] = await Promise.all([runtime.clusters(), runtime.services({ tenantId })]);
      const own: ClusterId = `tenant-${tenantId}`;
      const resources: Resource[] = services.filter((status) => status.tenantId === tenantId).map(observedService);
      if (clusters.includes(own)) resources.push({ kind: 'cluster', name: own, tenantId, spec: {} });
      return resources;
    },
    apply,
  };
}

function serviceKeyOf({ tenantId, spec }: Resource): ServiceKey {
  const { cluster, service } = spec as { cluster: ClusterId; service: string };
  return { cluster, tenantId, service };
}

function observedService({ cluster, tenantId, service, desired, tasks }: ServiceStatus): Resource {
  const healthy = tasks.filter((task) => task.state === 'healthy').length;
  return {
    kind: 'service',
    name: `${cluster}/${service}`,
    tenantId: tenantId ?? '',
    spec: { cluster, service, ready: healthy >= desired },
  };
}
