import { DomainError } from '../errors.ts';
import type { DeploymentId, DeploymentSpec } from '../ports/runtime.ts';
import { CLUSTER_ID, isClusterId, requireTenantId } from '../tenant/ids.ts';

const OF_TENANT = 'tenant-';
/** A folder under services/. Adapters may allow less. */
const SERVICE = /^[a-z][a-z0-9-]{0,62}$/;

export function deploymentIdOf(tenantId: string | null): DeploymentId {
  return tenantId === null ? 'pool' : `${OF_TENANT}${tenantId}`;
}

/** The one tenant that the deployment serves; null for the pool. Throws INVALID for a malformed id. */
export function tenantOf(id: DeploymentId): string | null {
  if (id === 'pool') return null;
  if (!id.startsWith(OF_TENANT)) {
    throw new DomainError('INVALID', `deployment must be pool or ${OF_TENANT}<tenant id>, got '${id}'`);
  }
  const tenantId = id.slice(OF_TENANT.length);
  requireTenantId(tenantId);
  return tenantId;
}

/** Throws INVALID unless the ids are well-formed and belong to one tenant, and the services are named once each. */
export function requireDeployment({ id, cluster, tenantId, services }: DeploymentSpec): void {
  if (tenantOf(id) !== tenantId) {
    throw new DomainError('INVALID', `deployment ${id} must be of its own tenant, got tenantId '${tenantId}'`);
  }
  if (!isClusterId(cluster)) throw new DomainError('INVALID', `cluster must match ${CLUSTER_ID}, got '${cluster}'`);
  const allowed = tenantId === null ? ['pool'] : ['shared', id];
  if (!allowed.includes(cluster)) {
    throw new DomainError('INVALID', `cluster of deployment ${id} must be ${allowed.join(' or ')}, got '${cluster}'`);
  }
  if (services.length === 0 || new Set(services).size < services.length) {
    throw new DomainError('INVALID', `services of deployment ${id} must be unique and at least one, got ${services}`);
  }
  for (const service of services) {
    if (!SERVICE.test(service)) throw new DomainError('INVALID', `service must match ${SERVICE}, got '${service}'`);
  }
}
