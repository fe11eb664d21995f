import type { FastifyInstance } from 'fastify';
import { buildService, type ServiceParts } from '../kit/service.ts';
import { createIdentityClient } from './identity-client.ts';
import { userOperations } from './routes.ts';

/** The users service, not listening yet. The users themselves live in identity; this service keeps none. */
export function buildUsers(parts: ServiceParts): FastifyInstance {
  const users = createIdentityClient(parts.config.identityUrl);
  const app = buildService(parts, userOperations({ ...parts, users }));
  app.addHook('onClose', () => users.close());
  return app;
}
