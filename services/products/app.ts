import type { FastifyInstance } from 'fastify';
import { buildService, type ServiceParts } from '../kit/service.ts';
import { productOperations } from './routes.ts';

/** The products service, not listening yet. */
export function buildProducts(parts: ServiceParts): FastifyInstance {
  return buildService(parts, productOperations(parts));
}
