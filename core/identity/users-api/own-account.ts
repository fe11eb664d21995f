import * as z from 'zod';
import { defined } from '../../defined.ts';
import { DomainError } from '../../errors.ts';
import { parsePart } from '../../http/parse.ts';
import type { Identity, RealmId, RealmSpec, User } from '../../ports/identity.ts';
import type { Check } from '../../ports/table.ts';
import { acceptsToken } from '../../routing/registry.ts';
import type { Authorize } from '../authorize.ts';
import type { TenantClaimsLookup } from '../tenant-claims.ts';
import { methodNotAllowed, refusalOf, type UsersResponse } from './users-response.ts';

/**
 * The result of a check of a password. `more-required`: it is right, but a sign-in needs more, such as a second factor or a
 * password of the user's own choice. `retryAfter` is in whole seconds.
 */
export type PasswordCheck =
  | { readonly outcome: 'right' | 'wrong' | 'more-required' }
  | { readonly outcome: 'too-many'; readonly retryAfter: number };

export interface OwnAccountOptions {
  readonly authorize: Authorize;
  readonly identity: Pick<Identity, 'guardedBy' | 'caller' | 'userOf' | 'endSessions'>;
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

const NewPassword = z.strictObject({ oldPassword: z.string(), newPassword: z.string() });

/** `/realms/<realm>/me/...`: the operations that change the account. */
export const OWN_ACCOUNT_OPERATIONS = [
  { id: 'password', method: 'PUT', path: '/me/password', body: NewPassword },
  { id: 'sessions', method: 'DELETE', path: '/me/sessions', body: undefined },
] as const;

export type OwnAccountTarget = (typeof OWN_ACCOUNT_OPERATIONS)[number]['id'];

/** @returns undefined for a path that does not belong to the user's own account. @param path below the realm */
export function ownAccountTarget(path: string): OwnAccountTarget | undefined {
  return OWN_ACCOUNT_OPERATIONS.find((operation) => operation.path === path)?.id;
}

/**
 * What users do with their own account by access token: `PUT /me/password` and `DELETE /me/sessions` of a realm. Both end
 * all sessions and tokens of the user, including the token of the request. Responds to every error that a client can
 * cause, and rethrows others.
 */
export function createOwnAccountHandler(options: OwnAccountOptions) {
  return async (request: OwnAccountRequest): Promise<UsersResponse> => {
    const { realm, about, method } = request;
    const methods = OWN_ACCOUNT_OPERATIONS.filter(({ id }) => id === about).map((operation) => operation.method);
    if (!methods.some((one) => one === method)) return methodNotAllowed(methods);
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

type Authorized = Pick<OwnAccountRequest, 'realm' | 'authorization'>;

/** The user of the token. Throws UNAUTHENTICATED, also for a token from before the user ended all sessions. */
async function activeUser(options: OwnAccountOptions, request: Authorized): Promise<User> {
  const { subject } = await activeCaller(options, request);
  const user = await options.identity.userOf(request.realm.id, subject);
  if (user?.status !== 'CONFIRMED') throw notActive();
  return user;
}

interface ActiveCaller {
  readonly subject: string;
  /** The conditions under which the user and the user's tenant stay active, and the token stays valid. */
  readonly basis: readonly Check[];
}

/** Throws UNAUTHENTICATED. */
async function activeCaller(
  { authorize, identity, tenantClaims }: OwnAccountOptions,
  { realm, authorization }: Authorized,
): Promise<ActiveCaller> {
  const { realm: issuedFor, subject, issuedAt } = await authorize(authorization);
  const caller = issuedFor === realm.id ? await identity.caller(realm.id, subject) : undefined;
  if (!caller || !acceptsToken(caller, issuedAt)) throw notActive();
  if (caller.tenantId === undefined) return { subject, basis: caller.basis };
  const tenant = await tenantClaims(caller.tenantId);
  if (!tenant?.active) throw notActive();
  return { subject, basis: [...caller.basis, ...tenant.basis] };
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
  // Before anything changes: the service that keeps the password would refuse it after the sessions have ended.
  if (check.outcome === 'more-required') throw new DomainError('CONFLICT', MORE_REQUIRED);
  // The check takes long. A password that was set meanwhile has ended the caller's token.
  const identity = options.identity.guardedBy(async () => (await activeCaller(options, request)).basis);
  await identity.setPassword(realm.id, user.userName, newPassword, { replaced: oldPassword });
}

const MORE_REQUIRED =
  'the password alone does not sign this user in; request a link for a forgotten password, which sets a new one';

function wrongPassword(): DomainError {
  const msg = 'must be the current password';
  const issues = [{ loc: ['body', 'oldPassword'], type: 'value_error', msg }];
  return new DomainError('INVALID', `oldPassword ${msg}`, { issues });
}
