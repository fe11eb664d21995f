import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError, type ErrorCode } from '../../../../core/errors.ts';
import { listedIssues } from '../../../../core/http/issue-list.ts';
import { parseJson } from '../../../../core/http/json-body.ts';
import { parsePart } from '../../../../core/http/parse.ts';
import type { Authorize } from '../../../../core/identity/authorize.ts';
import {
  openTenantUsers,
  type TenantUsers,
  type TenantUsersOptions,
} from '../../../../core/identity/users/tenant-users.ts';
import type { RealmSpec } from '../../../../core/ports/identity.ts';
import { readBody, sendJson } from './messages.ts';
import { USERS_OPERATIONS, type UsersOperation } from './users-operations.ts';

export interface UsersApiOptions extends TenantUsersOptions {
  readonly authorize: Authorize;
}

/** What a request is about: a user, the invitation of a user, or without `userName` all users. */
export interface UsersTarget {
  readonly userName?: string;
  /** true: the user's invitation. */
  readonly invitation?: boolean;
  readonly query: URLSearchParams;
}

/** Serves `/realms/<realm>/users[/<userName>[/invitation]]` for a TenantAdmin, with the administrator's own access token. */
export type UsersApi = (
  req: IncomingMessage,
  res: ServerResponse,
  realm: RealmSpec,
  target: UsersTarget,
) => Promise<void>;

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID: 422,
  BAD_PAGE_TOKEN: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  UNAVAILABLE: 503,
};

export function createUsersApi(options: UsersApiOptions): UsersApi {
  return async (req, res, realm, target) => {
    const open = async () => openTenantUsers(options, realm, await options.authorize(req.headers.authorization));
    try {
      await open();
      const operations = USERS_OPERATIONS.filter((one) => one.path === pathOf(target));
      const operation = operations.find(({ method }) => method === req.method);
      if (operation) await respond(operation, open, req, res, target);
      else sendMethodNotAllowed(res, operations);
    } catch (error) {
      sendError(res, error);
    }
  };
}

function pathOf({ userName, invitation }: UsersTarget): string {
  if (userName === undefined) return '/users';
  return invitation ? '/users/{userName}/invitation' : '/users/{userName}';
}

/** @param open authorizes the caller. The body may take long to arrive, so what it returned earlier is no longer valid. */
async function respond(
  operation: UsersOperation,
  open: () => Promise<TenantUsers>,
  req: IncomingMessage,
  res: ServerResponse,
  target: UsersTarget,
): Promise<void> {
  const query = operation.query && parsePart(operation.query, Object.fromEntries(target.query), 'query');
  const body = operation.body && parsePart(operation.body, await readJson(req), 'body');
  const params = { userName: target.userName ?? '' };
  const response = await operation.handle({ params, query, headers: {}, body, users: await open() }, undefined);
  sendJson(res, response.status, response.body);
}

/** The JSON value of a body. Throws INVALID, TOO_LARGE. */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  const json = parseJson(await readBody(req));
  if (!json) throw new DomainError('INVALID', 'the body must be JSON');
  return json.value;
}

function sendMethodNotAllowed(res: ServerResponse, operations: readonly UsersOperation[]): void {
  const allow = operations.map(({ method }) => method).join(', ');
  sendJson(res, 405, { message: 'Method Not Allowed' }, { allow });
}

/** Sends an error as JSON. Rethrows errors that no client caused. */
export function sendError(res: ServerResponse, error: unknown): void {
  const status = error instanceof DomainError ? STATUS[error.code] : undefined;
  if (!(error instanceof DomainError) || status === undefined) throw error;
  const headers = {
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
  };
  sendJson(
    res,
    status,
    { message: error.message, ...(error.issues.length > 0 && { issues: listedIssues(error.issues) }) },
    headers,
  );
}
