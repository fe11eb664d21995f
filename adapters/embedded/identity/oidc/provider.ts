import type { EventEmitter } from 'node:events';
import {
  type Adapter,
  type AdapterPayload,
  type Client,
  type Configuration,
  errors,
  interactionPolicy,
  type JWK,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import { ADMIN_SCOPES, API_AUDIENCE, issuerOf } from '../../../../core/identity/issuers.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { RealmId, RealmSpec } from '../../../../core/ports/identity.ts';
import type { Log } from '../../../../core/ports/log.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import { trusted } from '../../../../web/pages/html.ts';
import { signedOutPage, signOutPage } from '../../../../web/pages/sign-in.ts';
import { type EmbeddedClientCredentials, isSecret } from '../client-credentials.ts';
import { createOidcStore } from '../oidc-store.ts';
import { type RealmKeys, SIGNING_ALG } from '../realm-keys.ts';
import type { Account, Accounts } from './accounts.ts';
import { type AdminClient, clientsOf, credentialClient } from './clients.ts';
import { DEVICE_CODE_TTL, type DeviceGrant } from './device-grant.ts';

/** Lifetimes in seconds. */
const ACCESS_TOKEN_TTL = 600;
const SIGNED_IN_TTL = 12 * 3_600;
const INTERACTION_TTL = 3_600;
const CODE_TTL = 60;

const OIDC_SCOPES = ['openid', 'offline_access', 'profile', 'email'];

export interface ProviderOptions {
  readonly spec: RealmSpec;
  readonly keys: RealmKeys;
  readonly cookieKeys: readonly string[];
  readonly publicUrl: string;
  readonly adminClients: readonly AdminClient[];
  /** Origins of further browser pages that may call the realm. */
  readonly corsOrigins: readonly string[];
  readonly accounts: Accounts;
  /** The admin realm's credentials for scripts; other realms have none. */
  readonly credentials: EmbeddedClientCredentials;
  readonly deviceGrant: DeviceGrant;
  readonly table: Table;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A realm's OpenID provider: code with PKCE, the device authorization grant for the command line, client credentials for
 * scripts, and rotating refresh tokens. All clients are our own, so there is no consent screen. A refresh token that came
 * from a browser's sign-in ends with that sign-in; one of the device grant ends by itself or by `tierplane logout`.
 */
export function createProvider(options: ProviderOptions): Provider {
  const { spec, publicUrl, log } = options;
  const provider = new Provider(issuerOf(publicUrl, spec.id), configurationOf(options));
  // The store keeps hashes of secrets only.
  Object.assign(provider.Client.prototype, {
    compareClientSecret(this: { readonly clientSecret: string }, secret: string): boolean {
      return isSecret(secret, this.clientSecret);
    },
  });
  // The handler sets the forwarded headers itself, from publicUrl.
  provider.proxy = true;
  const failed = (error: Error): void =>
    log.error({ realm: spec.id, error: error.name, reason: error.message }, 'sign-in failed unexpectedly');
  provider.on('server_error', (_ctx, error) => failed(error));
  // Koa would print it otherwise; its own events are missing from the provider's types.
  (provider as EventEmitter).on('error', failed);
  provider.on('grant.error', (ctx, error) => {
    log.info({ realm: spec.id, client: ctx.oidc.client?.clientId, error: error.error }, 'token refused');
  });
  return provider;
}

function configurationOf(options: ProviderOptions): Configuration {
  const { spec, keys, cookieKeys, publicUrl, adminClients, corsOrigins, accounts, credentials, deviceGrant } = options;
  const path = new URL(issuerOf(publicUrl, spec.id)).pathname;
  const origins = new Set([new URL(publicUrl).origin, ...corsOrigins]);
  const scope = [...OIDC_SCOPES, ...(spec.id === 'admin' ? ADMIN_SCOPES : [])].join(' ');
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true } as const;

  return {
    adapter: adapterOf(options),
    clients: [...clientsOf(spec.id, publicUrl, adminClients)],
    jwks: { keys: [...keys.keys] as JWK[] },
    clientDefaults: { id_token_signed_response_alg: SIGNING_ALG },
    responseTypes: ['code'],
    scopes: OIDC_SCOPES,
    claims: {
      openid: ['sub', 'token_use', 'tenantId', 'tier', 'role'],
      email: ['email'],
      profile: ['username'],
    },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async (_ctx, source) => source.kind !== 'DeviceCode',
    ttl: {
      AccessToken: ACCESS_TOKEN_TTL,
      AuthorizationCode: CODE_TTL,
      ClientCredentials: ACCESS_TOKEN_TTL,
      DeviceCode: DEVICE_CODE_TTL,
      IdToken: ACCESS_TOKEN_TTL,
      Interaction: INTERACTION_TTL,
      Session: SIGNED_IN_TTL,
      Grant: 2 * SIGNED_IN_TTL,
      // A rotated token lives no longer than the first one did.
      RefreshToken: (ctx) => ctx?.oidc?.entities.RotatedRefreshToken?.remainingTTL ?? SIGNED_IN_TTL,
    },
    cookies: {
      keys: [...cookieKeys],
      long: { ...cookie, path },
      short: cookie,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      clientCredentials: { enabled: spec.id === 'admin' },
      deviceFlow: deviceGrant.settingsOf(spec, path),
      pushedAuthorizationRequests: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = signOutPage({ realmName: spec.displayName, form: trusted(form) });
        },
        postLogoutSuccessSource: (ctx) => {
          // It names the client only to those who chose to stay.
          if (ctx.oidc.client) return ctx.redirect(`${path}/account`);
          ctx.body = signedOutPage({ realmName: spec.displayName, signInUrl: `${path}/account` });
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => API_AUDIENCE,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, resource, client) => {
          if (resource !== API_AUDIENCE) throw new errors.InvalidTarget();
          return {
            scope: isCredential(client) ? await credentialScope(ctx, credentials) : scope,
            audience: API_AUDIENCE,
            accessTokenTTL: ACCESS_TOKEN_TTL,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: SIGNING_ALG } },
          };
        },
      },
    },
    interactions: {
      policy: interactionPolicy.base(),
      url: (_ctx, interaction) => `${path}/interaction/${interaction.uid}`,
    },
    loadExistingGrant: (ctx) => grantEverythingAsked(ctx),
    clientBasedCORS: (_ctx, origin, client) =>
      origins.has(origin) || (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
    findAccount: async (_ctx, subject) => {
      const account = await accounts.active(spec.id, subject);
      return account && { accountId: subject, claims: async () => ({ sub: subject, ...idClaims(account) }) };
    },
    extraTokenClaims: async (_ctx, token) => {
      if (token.kind === 'ClientCredentials') return { token_use: 'access' };
      const subject = 'accountId' in token ? token.accountId : undefined;
      const account = subject && (await accounts.active(spec.id, subject));
      if (!account) throw new errors.InvalidGrant('the account is not active');
      return accessClaims(account);
    },
    renderError: (ctx, { error, error_description: text }) => {
      ctx.type = 'html';
      ctx.body = errorPage({
        title: 'This did not work',
        text: text ?? 'The request could not be understood. Go back to where you came from and try again.',
        code: error,
        link: { text: 'Sign in', href: `${path}/account` },
      });
    },
  };
}

/** oidc-provider's storage; it reads credentials where it looks for clients, and paces polls for device codes. */
function adapterOf({ table, spec, clock, credentials, deviceGrant }: ProviderOptions) {
  const store = createOidcStore({ table, realm: spec.id, clock });
  return (model: string): Adapter => {
    if (model === 'DeviceCode') return deviceGrant.paced(store(model), () => Provider.ctx?.oidc.route);
    if (model !== 'Client' || spec.id !== 'admin') return store(model);
    return {
      ...store(model),
      async find(clientId: string) {
        const secretHash = await credentials.secretHashOf(clientId);
        return secretHash === undefined ? undefined : (credentialClient(clientId, secretHash) as AdapterPayload);
      },
    };
  };
}

function isCredential(client: Client): boolean {
  return client.grantTypeAllowed('client_credentials');
}

/** The scopes of the credential that asks. A request that names none gets them all (RFC 6749, section 3.3). */
async function credentialScope(ctx: KoaContextWithOIDC, credentials: EmbeddedClientCredentials): Promise<string> {
  const credential = await credentials.get(ctx.oidc.client?.clientId ?? '');
  const scope = credential?.scopes.join(' ') ?? '';
  if (ctx.oidc.params && ctx.oidc.params.scope === undefined) ctx.oidc.params.scope = scope;
  return scope;
}

/** What is asked for is granted, to our own clients, within what a realm has at all. */
async function grantEverythingAsked(ctx: KoaContextWithOIDC) {
  const { client, session, provider, account, entities } = ctx.oidc;
  if (!client || !account) return undefined;
  // Each device has a grant of its own, so that `tierplane logout` on one leaves the others signed in.
  const known = entities.DeviceCode ? undefined : session?.grantIdFor(client.clientId);
  const grant =
    (known && (await provider.Grant.find(known))) ||
    new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope(OIDC_SCOPES.join(' '));
  for (const [resource, server] of Object.entries(ctx.oidc.resourceServers ?? {})) {
    grant.addResourceScope(resource, server.scope);
  }
  await grant.save();
  return grant;
}

function registryClaims({ user, tier }: Account) {
  const { tenantId, role } = user;
  return { ...(tenantId !== undefined && { tenantId, tier }), role };
}

function accessClaims(account: Account) {
  const { userName: username, email } = account.user;
  return { token_use: 'access', username, email, ...registryClaims(account) };
}

function idClaims(account: Account) {
  const { userName: username, email } = account.user;
  return { token_use: 'id', username, email, ...registryClaims(account) };
}

/** The realm's clients' redirect targets, for the pages' Content-Security-Policy. */
export function redirectUrisOf(realm: RealmId, publicUrl: string, adminClients: readonly AdminClient[]): string[] {
  return clientsOf(realm, publicUrl, adminClients).flatMap((client) => [
    ...(client.redirect_uris ?? []),
    ...(client.post_logout_redirect_uris ?? []),
  ]);
}
