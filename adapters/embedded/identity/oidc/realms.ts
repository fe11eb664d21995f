import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '../../../../core/errors.ts';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { type AttemptLimiter, createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import { type Authorize, createAuthorize, type TrustedIssuer } from '../../../../core/identity/authorize.ts';
import { issuerOf, parseRealm, trustRealms } from '../../../../core/identity/issuers.ts';
import { createSignInLimits } from '../../../../core/identity/sign-in-limits.ts';
import type { TenantClaimsLookup } from '../../../../core/identity/tenant-claims.ts';
import type { MailLimits } from '../../../../core/identity/users/mail-limits.ts';
import { realmKey } from '../../../../core/identity/users/user-records.ts';
import { ownAccountTarget } from '../../../../core/identity/users-api/own-account.ts';
import { usersTarget } from '../../../../core/identity/users-api/users-handler.ts';
import type { Clock, RandomBytes } from '../../../../core/ports/clock.ts';
import type { RealmId, RealmSpec } from '../../../../core/ports/identity.ts';
import type { Log } from '../../../../core/ports/log.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import type { EmbeddedMailer } from '../../mail/mailer.ts';
import { AnonymousRecords } from '../anonymous-records.ts';
import type { EmbeddedClientCredentials } from '../client-credentials.ts';
import { bodyArrived, clientAddress, formTarget, sendHtml, sendJson, setSecurityHeaders } from '../http/messages.ts';
import { createUsersApi, type UsersApi } from '../http/users-api.ts';
import type { EmbeddedIdentity } from '../identity.ts';
import type { IdentitySecrets } from '../identity-secrets.ts';
import type { Passwords } from '../passwords.ts';
import { createSeal } from '../seal.ts';
import { showAccount } from './account.ts';
import { type Accounts, createAccounts } from './accounts.ts';
import { type AdminClient, redirectUrisOf } from './clients.ts';
import { createDeviceCookies } from './device-cookies.ts';
import { createDeviceGrant, type DeviceGrant } from './device-grant.ts';
import { sendError } from './error-response.ts';
import { createForgottenPasswordPages, type ForgottenPasswordPages } from './forgotten-password.ts';
import { handleInteraction, type InteractionDeps } from './interactions.ts';
import { createLocalSignature } from './local-signature.ts';
import { createMeApi, type MeApi } from './me-api.ts';
import { handleOwnAccount, type OwnAccountDeps } from './own-account.ts';
import { createTablePasswordResets } from './password-resets.ts';
import { ProviderCache } from './provider-cache.ts';
import type { RealmRequest } from './realm-request.ts';
import { createTokenLimits, type TokenLimits } from './token-limits.ts';
import { sendUserInfo } from './user-info.ts';

export interface RealmsOptions {
  readonly table: Table;
  readonly identity: EmbeddedIdentity;
  readonly mailer: Pick<EmbeddedMailer, 'draft' | 'deliver'>;
  /** @default - no limit */
  readonly mailLimits?: MailLimits;
  readonly passwords: Passwords;
  readonly secrets: IdentitySecrets;
  readonly credentials: EmbeddedClientCredentials;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** The public URL of the platform, without a trailing slash. Issuers begin with it. */
  readonly publicUrl: string;
  /** Called for every token that is issued. */
  readonly tenantClaims: TenantClaimsLookup;
  /** The name of the active tenant with this slug, for the sign-in page. @default - the page names the realm */
  readonly tenantNameOf?: (slug: string) => Promise<string | undefined>;
  /** Further clients of the admin realm. @default none */
  readonly adminClients?: readonly AdminClient[];
  /** Origins of further browser pages that may call the realms. @default none */
  readonly corsOrigins?: readonly string[];
}

export interface Realms {
  /** Responds to every request below `/realms/`. */
  handler(req: IncomingMessage, res: ServerResponse): Promise<void>;
  trustedIssuer(issuer: string): TrustedIssuer | undefined;
  /** Verifies access tokens of all realms, in the process that owns the realms. */
  readonly authorize: Authorize;
}

/** Sign-ins that one client may start within a minute. All people in an office may share an address. */
const MAX_SIGN_INS = 1_200;
const SIGN_INS_WINDOW_MS = 60_000;

const PATH = /^\/realms\/([a-z0-9-]+)(\/[^?]*)?(?:\?(.*))?$/;

/** The OpenID providers of all realms behind one handler. Each provider is created when it is first needed. */
export function createRealms(options: RealmsOptions): Realms {
  const { table, clock, publicUrl, adminClients = [] } = options;
  const issuers = trustRealms({ publicUrl, adminClients: adminClients.map(({ clientId }) => clientId) });
  const authorize = createAuthorize({ issuers, verifySignature: createLocalSignature(table), clock });
  const handler = new RealmsHandler(options, authorize);
  return { handler: (req, res) => handler.handle(req, res), trustedIssuer: issuers, authorize };
}

class RealmsHandler {
  readonly #options: RealmsOptions;
  readonly #authorize: Authorize;
  readonly #accounts: Accounts;
  readonly #usersApi: UsersApi;
  readonly #meApi: MeApi;
  readonly #interactions: InteractionDeps;
  readonly #ownAccount: OwnAccountDeps;
  readonly #forgotten: ForgottenPasswordPages;
  readonly #deviceGrant: DeviceGrant;
  readonly #tokenLimits: TokenLimits;
  readonly #providers: ProviderCache;
  readonly #signIns: AttemptLimiter;
  readonly #publicUrl: URL;

  constructor(options: RealmsOptions, authorize: Authorize) {
    const { identity, secrets, clock, random, log, publicUrl, adminClients = [], corsOrigins = [] } = options;
    this.#options = options;
    this.#authorize = authorize;
    this.#accounts = createAccounts({ ...options, limits: createSignInLimits({ clock }) });
    this.#usersApi = createUsersApi({ ...options, authorize });
    const accounts = this.#accounts;
    this.#meApi = createMeApi({ ...options, authorize, accounts });
    const seal = createSeal(secrets.formKey);
    const devices = createDeviceCookies({ seal, random, isSecure: publicUrl.startsWith('https:') });
    const { tenantNameOf = async () => undefined } = options;
    this.#interactions = { accounts, identity, seal, devices, clock, log, publicUrl, tenantNameOf };
    this.#ownAccount = { accounts, identity, seal, devices, log, publicUrl };
    const resets = createTablePasswordResets({ ...options, accounts });
    this.#forgotten = createForgottenPasswordPages({ resets, clock, random, log, publicUrl });
    this.#deviceGrant = createDeviceGrant({ accounts, clock });
    this.#tokenLimits = createTokenLimits({ clock });
    const { cookieKeys } = secrets;
    const deviceGrant = this.#deviceGrant;
    this.#signIns = createAttemptLimiter({ clock, windowMs: SIGN_INS_WINDOW_MS });
    const anonymous = new AnonymousRecords(clock);
    const common = { ...options, anonymous, cookieKeys, adminClients, corsOrigins };
    this.#providers = new ProviderCache({ ...common, accounts, deviceGrant });
    this.#publicUrl = new URL(publicUrl);
  }

  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const [, rawRealm = '', path = '/', rawQuery = ''] = PATH.exec(req.url ?? '') ?? [];
      const spec = await this.#realm(rawRealm);
      setSecurityHeaders(res, spec ? this.#formTargets(spec.id) : []);
      if (!spec) throw new DomainError('NOT_FOUND', 'realm not found');
      this.#setForwardedHeaders(req);
      const mount = new URL(issuerOf(this.#options.publicUrl, spec.id)).pathname;
      const provider = await this.#providers.get(spec);
      await this.#route({ req, res, spec, provider, mount, path, query: new URLSearchParams(rawQuery) });
    } catch (error) {
      sendError(req, res, error, this.#options.log);
    }
  }

  async #realm(raw: string): Promise<RealmSpec | undefined> {
    const id = parseRealm(raw);
    if (id === undefined) return undefined;
    const item = await this.#options.table.get(realmKey(id));
    if (!item) this.#providers.delete(id);
    return item?.data;
  }

  #formTargets(realm: RealmId): string[] {
    const { publicUrl, adminClients = [] } = this.#options;
    return [...new Set(redirectUrisOf(realm, publicUrl, adminClients).map(formTarget))];
  }

  /** Makes oidc-provider build its URLs from `publicUrl`, regardless of the headers that proxies have sent. */
  #setForwardedHeaders({ headers }: IncomingMessage): void {
    headers['x-forwarded-proto'] = this.#publicUrl.protocol.slice(0, -1);
    headers['x-forwarded-host'] = this.#publicUrl.host;
  }

  async #route(request: RealmRequest): Promise<void> {
    const { req, res, spec, path, query } = request;
    const [, head = '', name, step = '', ...rest] = path.split('/');
    if (head === 'interaction' && name !== undefined && rest.length === 0) {
      return handleInteraction(this.#interactions, { ...request, uid: name, step });
    }
    const users = usersTarget(path, query);
    if (users) return this.#usersApi(req, res, spec, users);
    if (!isExact(req.method, path)) throw new DomainError('NOT_FOUND', 'page not found');
    const own = ownAccountTarget(path);
    if (own) return this.#meApi(request, own);
    switch (`${req.method} ${path}`) {
      case 'GET /account':
        return showAccount({ accounts: this.#accounts, publicUrl: this.#options.publicUrl }, request);
      case 'GET /account/password':
      case 'POST /account/password':
        return handleOwnAccount(this.#ownAccount, request, 'password');
      case 'GET /account/sign-out-everywhere':
      case 'POST /account/sign-out-everywhere':
        return handleOwnAccount(this.#ownAccount, request, 'sign-out-everywhere');
      case 'GET /forgot-password':
      case 'POST /forgot-password':
        return this.#forgotten.request(request);
      case 'GET /reset-password':
      case 'POST /reset-password':
        return this.#forgotten.reset(request);
      case 'GET /me':
      case 'POST /me':
        return this.#userInfo(request);
      case 'POST /token':
      case 'POST /token/revocation': {
        const seconds = this.#tokenLimits.take(req, res);
        return seconds === 0 ? callProvider(request) : sendTooManyTokens(request, seconds);
      }
      case 'POST /device':
      case 'POST /device/auth':
        return this.#deviceGrant.admit(req, res, spec) ? callProvider(request) : sendTooManyCodes(request);
      case 'GET /auth':
      case 'POST /auth':
        return this.#admitsSignIn(req) ? callProvider(request) : sendTooManySignIns(request);
      default:
        return callProvider(request);
    }
  }

  /** Each start of a sign-in costs the platform some time, and strangers may start any number. */
  #admitsSignIn(req: IncomingMessage): boolean {
    return this.#signIns.take([{ key: clientGroup(clientAddress(req)), max: MAX_SIGN_INS }]);
  }

  #userInfo(request: RealmRequest): Promise<void> {
    const { corsOrigins = [] } = this.#options;
    const origins = [this.#publicUrl.origin, ...corsOrigins];
    return sendUserInfo({ accounts: this.#accounts, authorize: this.#authorize, corsOrigins: origins }, request);
  }
}

/**
 * Whether the path is spelled as it is defined. oidc-provider ignores case and a slash at the end, so another spelling
 * would bypass the limits, which compare paths exactly. Ids in paths of GET requests have capital letters.
 */
function isExact(method: string | undefined, path: string): boolean {
  const isRead = method === 'GET' || method === 'HEAD';
  const [, head = ''] = path.split('/');
  const fixed = isRead ? head : path;
  return fixed === fixed.toLowerCase() && (path === '/' || !path.endsWith('/'));
}

/**
 * oidc-provider's paths begin below `mount`, which it learns from `originalUrl`. It finds the session before it reads the body,
 * and the session may end while the body is on its way, so it gets the request when the body has arrived.
 */
async function callProvider({ req, res, provider, mount, path, query }: RealmRequest): Promise<void> {
  const search = query.size > 0 ? `?${query}` : '';
  // oidc-provider would submit a code in the address at once. Our page only fills it in, from `originalUrl`.
  req.url = `${req.method} ${path}` === 'GET /device' ? path : `${path}${search}`;
  Object.assign(req, { originalUrl: `${mount}${path}${search}` });
  if (req.method === 'POST') await bodyArrived(req);
  await provider.callback()(req, res);
}

function sendTooManyTokens({ res }: RealmRequest, seconds: number): void {
  const body = {
    error: 'slow_down',
    error_description: `too many requests for tokens; try again in ${seconds} seconds`,
  };
  sendJson(res, 429, body, { 'retry-after': String(seconds) });
}

function sendTooManySignIns({ res }: RealmRequest): void {
  res.setHeader('retry-after', String(SIGN_INS_WINDOW_MS / 1_000));
  sendHtml(res, 429, errorPage({ title: 'Too many sign-ins', text: 'Wait a minute, then sign in again.' }));
}

function sendTooManyCodes({ res, path }: RealmRequest): void {
  res.setHeader('retry-after', '300');
  const title = 'Too many wrong codes';
  if (path === '/device/auth') sendJson(res, 429, { error: 'slow_down' });
  else sendHtml(res, 429, errorPage({ title, text: 'Wait five minutes, then enter the code again.' }));
}
