import * as z from 'zod';
import { DomainError } from '../../errors.ts';
import { requireJson } from '../../http/json-body.ts';
import type { Identity } from '../../ports/identity.ts';
import { isRealmId } from '../../tenant/ids.ts';
import type { Authorize } from '../authorize.ts';
import type { TenantClaimsLookup } from '../tenant-claims.ts';
import {
  createCallerHandler,
  createOwnAccountHandler,
  type OwnAccountRequest,
  ownAccountTarget,
} from './own-account.ts';
import { createUsersHandler, usersTarget } from './users-handler.ts';
import { refusalOf, type UsersResponse } from './users-response.ts';

/** A request as one JSON value, as a function receives it. */
const UsersEvent = z.object({
  realm: z.string(),
  method: z.string(),
  /** Below the realm, as in a URL. */
  path: z.string().startsWith('/'),
  /** The caller's `Authorization` header. */
  authorization: z.string().optional(),
  /** JSON text. */
  body: z.string().optional(),
});
export type UsersEvent = z.input<typeof UsersEvent>;

export interface UsersEndpointOptions {
  readonly identity: Identity;
  readonly tenantClaims: TenantClaimsLookup;
  readonly authorize: Authorize;
  readonly checkPassword: OwnAccountRequest['checkPassword'];
}

/** In bytes of UTF-8. */
const MAX_BODY_BYTES = 16 * 1024;

/**
 * Serves the users API and the users' own accounts of all realms. Responds to every error that a caller can cause, and
 * rethrows others.
 */
export function createUsersEndpoint(options: UsersEndpointOptions): (event: unknown) => Promise<UsersResponse> {
  const { identity, checkPassword } = options;
  const users = createUsersHandler(options);
  const ownAccount = createOwnAccountHandler(options);
  const caller = createCallerHandler(options);
  return async (event) => {
    const parsed = UsersEvent.safeParse(event);
    if (!parsed.success) return refusal(400, 'the event must have realm, method and path');
    const { realm: id, method, path: address, authorization, body } = parsed.data;
    try {
      const realm = isRealmId(id) ? await identity.realm(id) : undefined;
      if (!realm) return refusal(404, 'realm not found');
      const request = { realm, method, authorization, body: async () => jsonOf(body) };
      const [path = '', ...query] = address.split('?');
      const target = usersTarget(path, new URLSearchParams(`?${query.join('?')}`));
      if (target) return await users({ ...request, target });
      if (path === '/me') return await caller(request);
      const about = ownAccountTarget(path);
      if (about) return await ownAccount({ ...request, about, checkPassword });
      return refusal(404, 'nothing exists at this path');
    } catch (error) {
      return refusalOf(error);
    }
  };
}

/** Throws INVALID, TOO_LARGE. */
function jsonOf(text: string | undefined): unknown {
  if (text !== undefined && new TextEncoder().encode(text).length > MAX_BODY_BYTES) {
    throw new DomainError('TOO_LARGE', `a body must have at most ${MAX_BODY_BYTES} bytes`);
  }
  return requireJson(text);
}

function refusal(status: number, message: string): UsersResponse {
  return { status, headers: {}, body: { message } };
}
