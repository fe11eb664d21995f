import * as z from 'zod';
import { defined } from '../../defined.ts';
import { DomainError } from '../../errors.ts';
import { parsePart } from '../../http/parse.ts';
import type { Identity, RealmId, RealmSpec, User } from '../../ports/identity.ts';
import { acceptsToken } from '../../routing/registry.ts';
import type { Authorize } from '../authorize.ts';
import type { TenantClaimsLookup } from '../tenant-claims.ts';
import { methodNotAllowed, refusalOf, type UsersResponse } from './users-response.ts';

/** The result of a check of a password. `retryAfter` is in whole seconds. */
export type PasswordCheck =
  | { readonly outcome: 'right' | 'wrong' }
  | { readonly outcome: 'too-many'; readonly retryAfter: number };

export interface OwnAccountOptions {
  readonly authorize: Authorize;
  readonly identity: Pick<Identity, 'userOf' | 'setPassword' | 'endSessions'>;
  readonly tenantClaims: TenantClaimsLookup;
}

/** A request of users about their own account. */
export interface OwnAccountRequest {
  readonly realm: RealmSpec;
  readonly method: string;
  readonly about: OwnAccountTarget;
  /** The user's access token, as an `Authorization` header. */
  readonly authorization: string | undefined;
  /** Reads the JSON value of the body. Called once the caller is authorized, so that strangers' bodies are not read. */
  body(): Promise<unknown>;
  /** Whether this is the user's current password, under the limits of failed sign-ins. */
  checkPassword(realm: RealmId, user: User, password: string): Promise<PasswordCheck>;
}

export type OwnAccountTarget = 'password' | 'sessions';

const METHODS = { password: 'PUT', sessions: 'DELETE' } as const satisfies Record<OwnAccountTarget, string>;

const NewPassword = z.strictObject({ oldPassword: z.string(), newPassword: z.string() });

/** @returns undefined for a path that does not belong to the user's own account. @param path below the realm */
export function ownAccountTarget(path: string): OwnAccountTarget | undefined {
  if (path === '/me/password') return 'password';
  return path === '/me/sessions' ? 'sessions' : undefined;
}

/**
 * What users do with their own account by access token: `PUT /me/password` and `DELETE /me/sessions` of a realm. Both end
 * all sessions and tokens of the user, including the token of the request. Responds to every error that a client can
 * cause, and rethrows others.
 */
export function createOwnAccountHandler(options: OwnAccountOptions) {
  return async (request: OwnAccountRequest): Promise<UsersResponse> => {
    const { realm, about, method } = request;
    if (method !== METHODS[about]) return methodNotAllowed([METHODS[about]]);
    try {
      const user = await activeUser(options, request);
      if (about === 'password') await changePassword(options, request, user);
      else await options.identity.endSessions(realm.id, user.userName);
      return { status: 204, headers: {} };
    } catch (error) {
      return refusalOf(error);
    }
  };
}

/**
 * Serves `GET /me` of a realm: the role and the tenant of the token's user, as the records have them now. Services ask for
 * them on behalf of their callers.
 */
export function createCallerHandler(options: OwnAccountOptions) {
  return async (request: Pick<OwnAccountRequest, 'realm' | 'method' | 'authorization'>): Promise<UsersResponse> => {
    if (request.method !== 'GET') return methodNotAllowed(['GET']);
    try {
      const { role, tenantId } = await activeUser(options, request);
      return { status: 200, headers: {}, body: { role, ...defined({ tenantId }) } };
    } catch (error) {
      return refusalOf(error);
    }
  };
}

/** The user of the token. Throws UNAUTHENTICATED, also for a token from before the user ended all sessions. */
async function activeUser(
  { authorize, identity, tenantClaims }: OwnAccountOptions,
  { realm, authorization }: Pick<OwnAccountRequest, 'realm' | 'authorization'>,
): Promise<User> {
  const token = await authorize(authorization);
  const user = token.realm === realm.id ? await identity.userOf(realm.id, token.subject) : undefined;
  if (user?.status !== 'CONFIRMED' || !acceptsToken(user, token.issuedAt)) throw notActive();
  const { tenantId } = user;
  if (tenantId !== undefined && !(await tenantClaims(tenantId))?.active) throw notActive();
  return user;
}

function notActive(): DomainError {
  return new DomainError('UNAUTHENTICATED', 'the token must be of an active user of this realm');
}

async function changePassword(options: OwnAccountOptions, request: OwnAccountRequest, user: User): Promise<void> {
  const { realm } = request;
  const { oldPassword, newPassword } = parsePart(NewPassword, await request.body(), 'body');
  // The body may have taken long to arrive.
  await activeUser(options, request);
  const check = await request.checkPassword(realm.id, user, oldPassword);
  if (check.outcome === 'too-many') {
    throw new DomainError('TOO_MANY', 'too many failed attempts', { retryAfter: check.retryAfter });
  }
  if (check.outcome === 'wrong') throw wrongPassword();
  await options.identity.setPassword(realm.id, user.userName, newPassword);
}

function wrongPassword(): DomainError {
  const msg = 'must be the current password';
  const issues = [{ loc: ['body', 'oldPassword'], type: 'value_error', msg }];
  return new DomainError('INVALID', `oldPassword ${msg}`, { issues });
}
