import { parsePart } from '../../http/parse.ts';
import type { RealmSpec } from '../../ports/identity.ts';
import type { Authorize } from '../authorize.ts';
import { openTenantUsers, type TenantUsers, type TenantUsersOptions } from '../users/tenant-users.ts';
import { USERS_OPERATIONS, type UsersOperation } from './users-operations.ts';
import { methodNotAllowed, refusalOf, type UsersResponse } from './users-response.ts';

/** What a request is about: a user, the invitation of a user, or without `userName` all users. */
export interface UsersTarget {
  readonly userName?: string;
  /** true: the user's invitation. */
  readonly invitation: boolean;
  readonly query: URLSearchParams;
}

/** A request to the users API of a realm. The embedded home gets it by HTTP, a function on AWS by invocation. */
export interface UsersRequest {
  readonly realm: RealmSpec;
  readonly method: string;
  readonly target: UsersTarget;
  /** The administrator's own access token, as an `Authorization` header. */
  readonly authorization: string | undefined;
  /** Reads the JSON value of the body. Called once the caller is authorized, so that strangers' bodies are not read. */
  body(): Promise<unknown>;
}

/** @returns undefined for a path that does not belong to the users API. @param path below the realm, as in the URL */
export function usersTarget(path: string, query: URLSearchParams): UsersTarget | undefined {
  const [, head, name = '', step = '', ...rest] = path.split('/');
  if (head !== 'users' || rest.length > 0) return undefined;
  if (step === '') return { invitation: false, query, ...(name !== '' && { userName: decoded(name) }) };
  if (name === '' || step !== 'invitation') return undefined;
  return { invitation: true, query, userName: decoded(name) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Serves `/users[/<userName>[/invitation]]` of a realm for a TenantAdmin, with the administrator's own access token. The
 * handler verifies the token itself. It responds to every error that a client can cause, and rethrows others.
 */
export function createUsersHandler(options: TenantUsersOptions & { readonly authorize: Authorize }) {
  return async (request: UsersRequest): Promise<UsersResponse> => {
    const { realm, method, target, authorization } = request;
    const open = async () => openTenantUsers(options, realm, await options.authorize(authorization));
    try {
      await open();
      const operations = USERS_OPERATIONS.filter((one) => one.path === pathOf(target));
      const operation = operations.find((one) => one.method === method);
      if (!operation) return methodNotAllowed(operations.map((one) => one.method));
      return await perform(operation, open, request);
    } catch (error) {
      return refusalOf(error);
    }
  };
}

function pathOf({ userName, invitation }: UsersTarget): string {
  if (userName === undefined) return '/users';
  return invitation ? '/users/{userName}/invitation' : '/users/{userName}';
}

/** @param open authorizes the caller. The body may take long to arrive, so what it returned earlier is no longer valid. */
async function perform(
  operation: UsersOperation,
  open: () => Promise<TenantUsers>,
  request: UsersRequest,
): Promise<UsersResponse> {
  const { target } = request;
  const query = operation.query && parsePart(operation.query, Object.fromEntries(target.query), 'query');
  const body = operation.body && parsePart(operation.body, await request.body(), 'body');
  const params = { userName: target.userName ?? '' };
  const response = await operation.handle({ params, query, headers: {}, body, users: await open() }, undefined);
  return { status: response.status, headers: response.headers ?? {}, body: response.body };
}
