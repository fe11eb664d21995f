import type { FastifyInstance } from 'fastify';
import type { UsersTransport } from '../../core/identity/users-api/users-call.ts';
import { buildService, type ServiceParts } from '../kit/service.ts';
import { createHttpTransport } from './http-transport.ts';
import { userOperations } from './routes.ts';
import { createTenantUsersClient } from './tenant-users-client.ts';

/**
 * The users service, not listening yet. The users themselves live in identity; this service keeps none.
 * @param transport how the service reaches identity. @default - by HTTP, at the URL of the configuration
 */
export function buildUsers(parts: ServiceParts, transport?: UsersTransport): FastifyInstance {
  const users = createTenantUsersClient(transport ?? createHttpTransport(parts.config.identityUrl));
  const app = buildService(parts, userOperations({ ...parts, users }));
  app.addHook('onClose', () => users.close());
  return app;
}
