import { DomainError } from '../../../core/errors.ts';
import { type CallerLookup, FoundCaller } from '../../../core/identity/caller-lookup.ts';
import type { UsersTransport } from '../../../core/identity/users-api/users-call.ts';

/**
 * Asks the function `tenant-users` what the registry says of a caller now, with the caller's own token. A service has no
 * access to the registry.
 * The returned function throws UNAUTHENTICATED if the user is disabled or unknown, or the tenant is not active; UNAVAILABLE
 * if the function does not respond.
 */
export function createCallerLookup(transport: UsersTransport): CallerLookup {
  return async ({ realm, authorization, requestId }) => {
    const { status, body } = await transport.send({ realm, method: 'GET', path: '/me', authorization, requestId });
    if (status === 401 || status === 404) {
      throw new DomainError('UNAUTHENTICATED', 'the user and the tenant must be active');
    }
    const found = FoundCaller.safeParse(body);
    if (status !== 200 || !found.success) throw new DomainError('UNAVAILABLE', 'identity failed; try again');
    return found.data;
  };
}
