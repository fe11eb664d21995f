import type { IncomingMessage, ServerResponse } from 'node:http';
import { requireJson } from '../../../../core/http/json-body.ts';
import type { Authorize } from '../../../../core/identity/authorize.ts';
import type { TenantUsersOptions } from '../../../../core/identity/users/tenant-users.ts';
import { createUsersHandler, type UsersTarget } from '../../../../core/identity/users-api/users-handler.ts';
import type { UsersResponse } from '../../../../core/identity/users-api/users-response.ts';
import type { RealmSpec } from '../../../../core/ports/identity.ts';
import { readBody, sendJson } from './messages.ts';

export interface UsersApiOptions extends TenantUsersOptions {
  readonly authorize: Authorize;
}

/** Serves `/realms/<realm>/users[/<userName>[/invitation]]` for a TenantAdmin, with the administrator's own access token. */
export type UsersApi = (
  req: IncomingMessage,
  res: ServerResponse,
  realm: RealmSpec,
  target: UsersTarget,
) => Promise<void>;

export function createUsersApi(options: UsersApiOptions): UsersApi {
  const handle = createUsersHandler(options);
  return async (req, res, realm, target) =>
    sendResponse(res, await handle({ realm, target, ...partsOf(req), body: () => readJson(req) }));
}

/** What the handlers of core read of every request. */
export function partsOf({ method = '', headers: { authorization } }: IncomingMessage) {
  return { method, authorization };
}

export function sendResponse(res: ServerResponse, { status, headers, body }: UsersResponse): void {
  sendJson(res, status, body, headers);
}

/** The JSON value of a body. Throws INVALID, TOO_LARGE. */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  return requireJson(await readBody(req));
}
