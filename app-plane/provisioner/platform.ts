import type { Identity } from '../../core/ports/identity.ts';
import type { ClusterId, Runtime } from '../../core/ports/runtime.ts';
import { poolSizingTier, type TierTable } from '../../core/tier/tiers.ts';
import type { EnvironmentOf } from './drivers/compute.ts';

export interface PlatformDeps {
  readonly identity: Identity;
  readonly runtime: Runtime;
  readonly tiers: TierTable;
  readonly services: readonly string[];
  readonly environmentOf: EnvironmentOf;
}

/**
 * Creates what tenants share, before the first tenant: the pooled realm, the pooled and the shared cluster, and the
 * pooled services in the size that the tier table names. Idempotent. Throws the first failure.
 */
export async function ensurePlatform({
  identity,
  runtime,
  tiers,
  services,
  environmentOf,
}: PlatformDeps): Promise<void> {
  const cluster: ClusterId = 'pool';
  const pooled = poolSizingTier(tiers);
  await Promise.all([
    identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' }),
    runtime.ensureCluster(cluster),
    runtime.ensureCluster('shared'),
    ...services.map((service) =>
      runtime.ensureService({
        cluster,
        tenantId: null,
        service,
        size: tiers[pooled].task,
        environment: environmentOf(cluster, null, pooled),
      }),
    ),
  ]);
}
