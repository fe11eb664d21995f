import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { Lru } from '../../../../core/collections/lru.ts';
import { DomainError, type ErrorCode, isDomainError } from '../../../../core/errors.ts';
import { clientRequestId } from '../../../../core/http/request-id.ts';
import { type Authorize, createAuthorize, type TrustedIssuer } from '../../../../core/identity/authorize.ts';
import { API_AUDIENCE, issuerOf, parseRealm, trustRealms } from '../../../../core/identity/issuers.ts';
import type { TenantClaimsLookup } from '../../../../core/identity/tenant-claims.ts';
import { realmKey } from '../../../../core/identity/users/user-records.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { RealmId, RealmSpec } from '../../../../core/ports/identity.ts';
import type { Log } from '../../../../core/ports/log.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import { accountPage } from '../../../../web/pages/sign-in.ts';
import type { EmbeddedClientCredentials } from '../client-credentials.ts';
import { formTarget, redirect, sendHtml, sendJson, setSecurityHeaders } from '../http/messages.ts';
import { createUsersApi } from '../http/users-api.ts';
import type { EmbeddedIdentity } from '../identity.ts';
import type { IdentitySecrets } from '../identity-secrets.ts';
import type { Passwords } from '../passwords.ts';
import { realmKeysKey } from '../realm-keys.ts';
import { createAccounts } from './accounts.ts';
import { ACCOUNT_CLIENT, type AdminClient } from './clients.ts';
import { createDeviceGrant } from './device-grant.ts';
import { handleInteraction, type InteractionDeps } from './interactions.ts';
import { createLocalSignature } from './local-signature.ts';
import { createProvider, redirectUrisOf } from './provider.ts';

export interface RealmsOptions {
  readonly table: Table;
  readonly identity: EmbeddedIdentity;
  readonly passwords: Passwords;
  readonly secrets: IdentitySecrets;
  readonly credentials: EmbeddedClientCredentials;
  readonly clock: Clock;
  readonly log: Log;
  /** The front door, without a slash at its end. Issuers begin with it. */
  readonly publicUrl: string;
  /** Called for every token that is issued. */
  readonly tenantClaims: TenantClaimsLookup;
  /** Further clients of the admin realm. @default none */
  readonly adminClients?: readonly AdminClient[];
  /** Origins of further browser pages that may call the realms. @default none */
  readonly corsOrigins?: readonly string[];
}

export interface Realms {
  /** Answers everything under `/realms/`. */
  handler(req: IncomingMessage, res: ServerResponse): Promise<void>;
  trustedIssuer(issuer: string): TrustedIssuer | undefined;
  /** Verifies access tokens of all realms, for the process that owns them. */
  readonly authorize: Authorize;
}

/** Providers kept ready; the others are made anew when they are asked for, in a few milliseconds. */
const MAX_PROVIDERS = 50;
/** What is refused, by its status; everything else is our fault. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID: 400,
  FORBIDDEN: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  CONDITION_FAILED: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  UNAVAILABLE: 503,
};
const PATH = /^\/realms\/([a-z0-9-]+)(\/[^?]*)?(?:\?(.*))?$/;

interface Context {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly spec: RealmSpec;
  readonly provider: Provider;
  /** The realm's path as browsers see it: that of its issuer. */
  readonly mount: string;
  /** Path under the realm. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The OpenID providers of all realms behind one handler: made when first needed, kept in bounded number. */
export function createRealms(options: RealmsOptions): Realms {
  const { table, identity, secrets, clock, log, publicUrl, adminClients = [], corsOrigins = [] } = options;
  const accounts = createAccounts(options);
  const issuers = trustRealms({ publicUrl, adminClients: adminClients.map(({ clientId }) => clientId) });
  const authorize = createAuthorize({ issuers, verifySignature: createLocalSignature(table), clock });
  const usersApi = createUsersApi({ identity, authorize, tenantClaims: options.tenantClaims, publicUrl });
  const interactions: InteractionDeps = { accounts, identity, formKey: secrets.formKey, clock, log, publicUrl };
  const deviceGrant = createDeviceGrant({ accounts, clock });
  const providers = new Lru<{ spec: RealmSpec; provider: Provider }>(MAX_PROVIDERS);
  const publicHost = new URL(publicUrl);

  async function providerOf(spec: RealmSpec): Promise<Provider> {
    const known = providers.get(spec.id);
    if (known?.spec.displayName === spec.displayName) return known.provider;
    const keys = await table.get(realmKeysKey(spec.id));
    if (!keys) throw new DomainError('INTERNAL', `realm '${spec.id}' has no keys`);
    const { cookieKeys } = secrets;
    const provider = createProvider({
      spec,
      keys: keys.data,
      cookieKeys,
      publicUrl,
      adminClients,
      corsOrigins,
      accounts,
      credentials: options.credentials,
      deviceGrant,
      table,
      clock,
      log,
    });
    providers.set(spec.id, { spec, provider });
    return provider;
  }

  async function route(context: Context): Promise<void> {
    const { req, res, spec, provider, mount, path, query } = context;
    const [, head = '', one, step = '', ...rest] = path.split('/');
    if (head === 'interaction' && one !== undefined && rest.length === 0) {
      return handleInteraction(interactions, { req, res, spec, provider, mount, uid: one, step });
    }
    if (head === 'users' && step === '') {
      const userName = one === undefined || one === '' ? undefined : decoded(one);
      return usersApi(req, res, spec, { query, ...(userName !== undefined && { userName }) });
    }
    const route = `${req.method} ${path}`;
    if (route === 'GET /account') return account(context);
    if (route === 'GET /me' || route === 'POST /me') return userInfo(context);
    if ((route === 'POST /device' || route === 'POST /device/auth') && !deviceGrant.admit(req, res, spec)) {
      return tooManyCodes(context);
    }
    if (route === 'GET /device') {
      // A code in the address fills the field in. oidc-provider would post it at once.
      req.url = path;
      Object.assign(req, { originalUrl: `${mount}${path}?${query}` });
      await provider.callback()(req, res);
      return;
    }
    // The provider's own paths are without the realm's; by `originalUrl` it knows where it is mounted.
    req.url = `${path}${query.size > 0 ? `?${query}` : ''}`;
    Object.assign(req, { originalUrl: `${mount}${req.url}` });
    await provider.callback()(req, res);
  }

  /** Who is signed in, or the way to sign in: the end of a sign-in that no application asked for. */
  async function account({ req, res, spec, provider, mount, query }: Context): Promise<void> {
    const session = await provider.Session.get(provider.createContext(req, res));
    const known = session.accountId ? await accounts.active(spec.id, session.accountId) : undefined;
    if (!known && query.has('error')) throw new DomainError('FORBIDDEN', 'the sign-in was refused');
    if (!known) return redirect(res, signInUrl(issuerOf(publicUrl, spec.id), query.get('login_hint')));
    // The code is of no use, so it need not stay in the address either.
    if (query.has('code')) return redirect(res, `${mount}/account`);
    const { userName, email, role, tenantId } = known.user;
    const html = accountPage({
      realmName: spec.displayName,
      userName,
      email,
      role,
      ...(tenantId !== undefined && { tenantId }),
      ...(known.tier !== undefined && { tier: known.tier }),
      signOutUrl: `${mount}/session/end?client_id=${ACCOUNT_CLIENT}`,
    });
    sendHtml(res, 200, html);
  }

  /**
   * Userinfo for the access tokens we issue: as with Cognito they are for the API and, with the scope `openid`, for
   * this endpoint too, which oidc-provider keeps apart.
   */
  async function userInfo({ req, res, spec }: Context): Promise<void> {
    const { origin } = req.headers;
    if (origin !== undefined && (origin === publicHost.origin || corsOrigins.includes(origin))) {
      res.setHeader('access-control-allow-origin', origin);
      res.setHeader('vary', 'origin');
    }
    try {
      const token = await authorize(req.headers.authorization);
      const known = token.realm === spec.id ? await accounts.active(spec.id, token.subject) : undefined;
      if (!known) throw new DomainError('UNAUTHENTICATED', 'the token must be of an active user of this realm');
      if (!token.scopes.includes('openid')) {
        sendJson(
          res,
          403,
          { error: 'insufficient_scope' },
          { 'www-authenticate': 'Bearer error="insufficient_scope"' },
        );
        return;
      }
      const { subject: sub, userName: username, email, role, tenantId } = known.user;
      const { tier } = known;
      sendJson(res, 200, { sub, username, email, role, ...(tenantId !== undefined && { tenantId, tier }) });
    } catch (error) {
      if (!isDomainError(error, 'UNAUTHENTICATED')) throw error;
      sendJson(res, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' });
    }
  }

  function tooManyCodes({ res, path }: Context): void {
    res.setHeader('retry-after', '300');
    const title = 'Too many wrong codes';
    if (path === '/device/auth') sendJson(res, 429, { error: 'slow_down' });
    else sendHtml(res, 429, errorPage({ title, text: 'Wait five minutes, then enter the code again.' }));
  }

  async function handler(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const [, rawRealm = '', path = '/', query = ''] = PATH.exec(req.url ?? '') ?? [];
      const realm = parseRealm(rawRealm);
      const spec = realm && (await table.get(realmKey(realm)))?.data;
      setSecurityHeaders(res, spec ? targetsOf(spec.id) : []);
      if (!spec) {
        if (realm) providers.delete(realm);
        throw new DomainError('NOT_FOUND', 'there is no such realm');
      }
      // Whatever proxies said on the way: a realm knows one address of itself.
      req.headers['x-forwarded-proto'] = publicHost.protocol.slice(0, -1);
      req.headers['x-forwarded-host'] = publicHost.host;
      const mount = new URL(issuerOf(publicUrl, spec.id)).pathname;
      await route({ req, res, spec, provider: await providerOf(spec), mount, path, query: new URLSearchParams(query) });
    } catch (error) {
      fail(res, error, clientRequestId(req.headers['x-request-id']));
    }
  }

  function targetsOf(realm: RealmId): string[] {
    return [...new Set(redirectUrisOf(realm, publicUrl, adminClients).map(formTarget))];
  }

  function fail(res: ServerResponse, error: unknown, requestId: string | undefined): void {
    const status = (error instanceof DomainError && STATUS[error.code]) || 500;
    if (status === 500) {
      log.error({ requestId, error: error instanceof Error ? error.message : 'unknown' }, 'a realm could not answer');
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const title =
      status === 404 ? 'There is no such page' : status >= 500 ? 'Something went wrong' : 'This did not work';
    const text =
      status >= 500
        ? 'It is our fault, not yours, and it is in the log. Please try again.'
        : 'The address or what was sent to it is not right. Go back to where you came from and try again.';
    sendHtml(res, status, errorPage({ title, text }));
  }

  return { handler, trustedIssuer: issuers, authorize };
}

/** An authorization request whose code nobody redeems: what counts is the session it leaves. */
function signInUrl(issuer: string, loginHint: string | null): string {
  const query = new URLSearchParams({
    client_id: ACCOUNT_CLIENT,
    redirect_uri: `${issuer}/account`,
    response_type: 'code',
    scope: 'openid',
    resource: API_AUDIENCE,
    code_challenge_method: 'S256',
    code_challenge: randomBytes(32).toString('base64url'),
    ...(loginHint && { login_hint: loginHint.slice(0, 254) }),
  });
  return `${issuer}/auth?${query}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
