import type { Identity } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { ClusterId, Runtime } from '../../core/ports/runtime.ts';
import { poolSizingTier, type TierTable } from '../../core/tier/tiers.ts';
import type { EnvironmentOf } from './drivers/compute.ts';
import { reasonOf } from './failures.ts';

export interface PlatformDeps {
  readonly identity: Identity;
  readonly runtime: Runtime;
  readonly tiers: TierTable;
  readonly services: readonly string[];
  readonly environmentOf: EnvironmentOf;
  readonly log: Log;
}

/**
 * Creates what tenants share, before the first tenant: the pooled realm, the pooled and the shared cluster, and the
 * pooled services in the size that the tier table names. Idempotent. Throws the first failure. A pooled service that is
 * deployed but does not start is logged, and the runtime keeps trying; it fails the start only if no pooled service starts.
 */
export async function ensurePlatform({
  identity,
  runtime,
  tiers,
  services,
  environmentOf,
  log,
}: PlatformDeps): Promise<void> {
  const cluster: ClusterId = 'pool';
  const pooled = poolSizingTier(tiers);
  const environment = environmentOf(cluster, null, pooled);
  const size = tiers[pooled].task;
  const [started] = await Promise.all([
    Promise.allSettled(
      services.map((service) => runtime.ensureService({ cluster, tenantId: null, service, size, environment })),
    ),
    identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' }),
    runtime.ensureCluster(cluster),
    runtime.ensureCluster('shared'),
  ]);
  const failures = started.flatMap((result, i) =>
    result.status === 'rejected' ? [{ service: services[i], error: result.reason as unknown }] : [],
  );
  const deployed = (await runtime.services({ cluster })).map(({ service }) => service);
  for (const { service, error } of failures) {
    if (failures.length === services.length || service === undefined || !deployed.includes(service)) throw error;
    log.error({ service, reason: reasonOf(error) }, 'a pooled service does not start; the others serve');
  }
}
