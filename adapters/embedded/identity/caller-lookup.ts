import { DomainError } from '../../../core/errors.ts';
import { type CallerLookup, FoundCaller } from '../../../core/identity/caller-lookup.ts';
import { smallGet } from '../../shared/identity/small-get.ts';

/**
 * Reads from the realm's userinfo endpoint what the registry says of a caller now, with the caller's own token.
 * The returned function throws UNAUTHENTICATED if the user is disabled or unknown, or the tenant is not active; FORBIDDEN if
 * the token lacks the scope `openid`; UNAVAILABLE if the realm does not respond.
 *
 * @param identityUrl base of `/realms/<realm>`, without a slash at its end
 */
export function createCallerLookup(identityUrl: string): CallerLookup {
  return async ({ realm, authorization, requestId }) => {
    const headers = { authorization, 'x-request-id': requestId };
    const { status, text } = await smallGet(`${identityUrl}/realms/${realm}/me`, headers).catch(unavailable);
    if (status === 401) throw new DomainError('UNAUTHENTICATED', 'the user and the tenant must be active');
    if (status === 403) throw new DomainError('FORBIDDEN', 'the token must have the scope openid');
    if (status !== 200) throw unavailable(new Error(`status ${status}`));
    return FoundCaller.parse(JSON.parse(text));
  };
}

function unavailable(cause: unknown): never {
  throw new DomainError('UNAVAILABLE', 'identity does not respond, try again', { cause });
}
