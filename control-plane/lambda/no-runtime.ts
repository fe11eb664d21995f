import { DomainError } from '../../core/errors.ts';
import type { OperatorDeps } from '../api/http/deps.ts';

/**
 * The runtime of the control plane's functions, which run no services. No route of this API uses it: on AWS, the
 * application plane owns the compute.
 */
export const noRuntime: OperatorDeps['runtime'] = {
  services: async () => [],
  restartService: refuse,
  scaleService: refuse,
};

async function refuse(): Promise<never> {
  throw new DomainError('NOT_FOUND', 'the control plane runs no services');
}
