import { DomainError } from '../../core/errors.ts';
import { POOL_PLACE } from '../../core/plan/place.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import { PartsFailed, type Runtime } from '../../core/ports/runtime.ts';
import { poolSizingTier, type TierTable } from '../../core/tier/tiers.ts';
import type { EnvironmentOf } from './drivers/deployment.ts';

export interface PlatformDeps {
  readonly identity: Identity;
  readonly runtime: Pick<Runtime, 'deploy' | 'deployment'>;
  readonly tiers: TierTable;
  readonly services: readonly string[];
  /** The release of the application that the pool runs. */
  readonly release: string;
  readonly environmentOf: EnvironmentOf;
  readonly log: Log;
}

/**
 * Creates what tenants share, before the first tenant: the pooled realm, the pooled and the shared cluster, and the
 * pooled services in the size that the tier table names. Idempotent. Throws the first failure. A pooled service that is
 * deployed but does not start is logged, and the runtime keeps trying; it fails the start only if no pooled service starts.
 */
export async function ensurePlatform({ identity, ...deps }: PlatformDeps): Promise<void> {
  await Promise.all([identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' }), deployPool(deps)]);
}

async function deployPool(deps: Omit<PlatformDeps, 'identity'>): Promise<void> {
  const { runtime, tiers, services, release, environmentOf, log } = deps;
  const tier = poolSizingTier(tiers);
  const { task: size } = tiers[tier];
  const place = POOL_PLACE;
  const environment = await environmentOf('pool', null, tier);
  const spec = {
    id: 'pool',
    cluster: 'pool',
    tenantId: null,
    tier,
    size,
    services,
    release,
    environment,
    place,
  } as const;
  try {
    const { state, reason } = await runtime.deploy(spec);
    if (state === 'failed') throw new DomainError('FAILED', reason ?? 'the pooled services cannot be deployed');
  } catch (error) {
    if (!(error instanceof PartsFailed)) throw error;
    const deployed = (await runtime.deployment('pool')).parts.map(({ name }) => name);
    const isServed = error.parts.length < services.length && error.parts.every(({ name }) => deployed.includes(name));
    if (!isServed) throw error;
    for (const { name: service, reason } of error.parts) {
      log.error({ service, reason }, 'a pooled service does not start; the others serve');
    }
  }
}
