import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError, isDomainError } from '../../../../core/errors.ts';
import type { Authorize } from '../../../../core/identity/authorize.ts';
import type { RealmSpec } from '../../../../core/ports/identity.ts';
import { acceptsToken } from '../../../../core/routing/registry.ts';
import { sendJson } from '../http/messages.ts';
import type { Account, Accounts } from './accounts.ts';
import type { RealmRequest } from './realm-request.ts';

export interface UserInfoOptions {
  readonly accounts: Accounts;
  readonly authorize: Authorize;
  /** Origins of browser pages that may read the response. */
  readonly corsOrigins: readonly string[];
}

/**
 * Userinfo for access tokens with the scope `openid`. As with Cognito, one access token is good for the APIs and for this
 * endpoint. oidc-provider's own endpoint refuses tokens that are for an API.
 */
export async function sendUserInfo(options: UserInfoOptions, { req, res, spec }: RealmRequest): Promise<void> {
  allowOrigin(req, res, options.corsOrigins);
  try {
    const { account, scopes } = await activeCaller(options, spec, req.headers.authorization);
    if (scopes.includes('openid')) sendJson(res, 200, claimsOf(account));
    else refuse(res, 403, 'insufficient_scope');
  } catch (error) {
    if (!isDomainError(error, 'UNAUTHENTICATED')) throw error;
    refuse(res, 401, 'invalid_token');
  }
}

/** The account of an access token. Throws UNAUTHENTICATED, also for a token from before the user ended all sessions. */
export async function activeCaller(
  { accounts, authorize }: Pick<UserInfoOptions, 'accounts' | 'authorize'>,
  spec: RealmSpec,
  authorization: string | undefined,
): Promise<{ readonly account: Account; readonly scopes: readonly string[] }> {
  const token = await authorize(authorization);
  const account = token.realm === spec.id ? await accounts.active(spec.id, token.subject) : undefined;
  if (!account || !acceptsToken(account.user, token.issuedAt))
    throw new DomainError('UNAUTHENTICATED', 'the token must be of an active user of this realm');
  return { account, scopes: token.scopes };
}

function claimsOf({ user, tier }: Account): object {
  const { subject: sub, userName: username, email, role, tenantId } = user;
  return { sub, username, email, role, ...(tenantId !== undefined && { tenantId, tier }) };
}

/** A refusal of RFC 6750, section 3. */
function refuse(res: ServerResponse, status: 401 | 403, error: string): void {
  sendJson(res, status, { error }, { 'www-authenticate': `Bearer error="${error}"` });
}

function allowOrigin(req: IncomingMessage, res: ServerResponse, origins: readonly string[]): void {
  const { origin } = req.headers;
  if (origin === undefined || !origins.includes(origin)) return;
  res.setHeader('access-control-allow-origin', origin);
  res.setHeader('vary', 'origin');
}
