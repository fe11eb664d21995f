import type { FastifyInstance } from 'fastify';
import { buildService, type ServiceParts } from '../kit/service.ts';
import { createCatalogue } from './catalogue.ts';
import { orderOperations } from './routes.ts';

/** The orders service, not listening yet. It reads prices from the products service, which the service directory locates. */
export function buildOrders(parts: ServiceParts): FastifyInstance {
  const catalogue = createCatalogue(parts.directory);
  const app = buildService(parts, orderOperations({ ...parts, catalogue }));
  app.addHook('onClose', () => catalogue.close());
  return app;
}
