import { DomainError } from '../../../../core/errors.ts';
import type { ServiceKey } from '../../../../core/ports/runtime.ts';
import { CLUSTER_ID, isClusterId, requireTenantId } from '../../../../core/tenant/ids.ts';
import type { TaskSize } from '../../../../core/tier/tiers.ts';
import { MAX_SERVICE_NAME_LENGTH } from './socket-path.ts';

const SERVICE = new RegExp(`^[a-z][a-z0-9-]{0,${MAX_SERVICE_NAME_LENGTH - 1}}$`);

/** How one service of a deployment must run. */
export interface ServiceSpec extends ServiceKey {
  readonly size: TaskSize;
  /** Environment variables of its tasks. No secrets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Throws INVALID unless every part is safe in a path and on a command line. */
export function requireServiceKey({ cluster, tenantId, service }: ServiceKey): void {
  requireCluster(cluster);
  if (tenantId !== null) requireTenantId(tenantId);
  if (!SERVICE.test(service)) throw new DomainError('INVALID', `service must match ${SERVICE}, got '${service}'`);
}

/** Throws INVALID. */
function requireCluster(cluster: string): void {
  if (!isClusterId(cluster)) throw new DomainError('INVALID', `cluster must match ${CLUSTER_ID}, got '${cluster}'`);
}
