import { DomainError } from '../../core/errors.ts';
import type { Runtime } from '../../core/ports/runtime.ts';

/**
 * Compute as the control plane's functions see it: theirs is the part of the platform that runs none. No route of this
 * API leads here; what the application plane runs is asked of the application plane.
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
  hasTenantData: async () => false,
};

async function refuse(): Promise<never> {
  throw new DomainError('NOT_FOUND', 'the control plane runs no services');
}
