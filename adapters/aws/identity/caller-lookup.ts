import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import type { UsersTransport } from '../../../core/identity/users-api/users-call.ts';
import type { RealmId } from '../../../core/ports/identity.ts';

interface Caller {
  readonly realm: RealmId;
  readonly authorization: string;
  readonly requestId: string;
}

const Found = z.object({ role: z.string(), tenantId: z.string().optional() });

/**
 * Asks the function `tenant-users` what the registry says of a caller now, with the caller's own token. A service has no
 * access to the registry.
 * The returned function throws UNAUTHENTICATED if the user is disabled or unknown, or the tenant is not active; UNAVAILABLE
 * if the function does not respond.
 */
export function createCallerLookup(transport: UsersTransport) {
  return async ({ realm, authorization, requestId }: Caller): Promise<z.output<typeof Found>> => {
    const { status, body } = await transport.send({ realm, method: 'GET', path: '/me', authorization, requestId });
    if (status === 401 || status === 404) {
      throw new DomainError('UNAUTHENTICATED', 'the user and the tenant must be active');
    }
    const found = Found.safeParse(body);
    if (status !== 200 || !found.success) throw new DomainError('UNAVAILABLE', 'identity failed; try again');
    return found.data;
  };
}
