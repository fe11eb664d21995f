import { DomainError } from '../../core/errors.ts';
import type { Runtime } from '../../core/ports/runtime.ts';

/**
 * The runtime of the control plane's functions, which run no services. No route of this API uses it: on AWS, the
 * application plane owns the compute.
 */
export const noRuntime: Runtime = {
  ensureCluster: refuse,
  deleteCluster: refuse,
  clusters: async () => [],
  ensureService: refuse,
  deleteService: refuse,
  services: async () => [],
  restartService: refuse,
  scaleService: refuse,
  ensureTenantData: refuse,
  deleteTenantData: refuse,
  closeTenantData: refuse,
  hasTenantData: async () => false,
};

async function refuse(): Promise<never> {
  throw new DomainError('NOT_FOUND', 'the control plane runs no services');
}
