import type { EventEmitter } from 'node:events';
import {
  type Adapter,
  type AdapterPayload,
  type Configuration,
  errors,
  interactionPolicy,
  type JWK,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import { isDomainError } from '../../../../core/errors.ts';
import { clientGroup, UNKNOWN_ADDRESS } from '../../../../core/http/client-address.ts';
import { issuerOf } from '../../../../core/identity/issuers.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { RealmSpec } from '../../../../core/ports/identity.ts';
import type { Log } from '../../../../core/ports/log.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { pause } from '../../../../core/time/wait.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import { trusted } from '../../../../web/pages/html.ts';
import { signedOutPage, signOutPage } from '../../../../web/pages/sign-in.ts';
import { UNAVAILABLE } from '../../../shared/identity/page-error.ts';
import type { AnonymousRecords } from '../anonymous-records.ts';
import { type EmbeddedClientCredentials, isSecret } from '../client-credentials.ts';
import { clientAddress } from '../http/messages.ts';
import { createOidcStore, RETRY_AFTER } from '../oidc-store.ts';
import { type RealmKeys, SIGNING_ALG } from '../realm-keys.ts';
import type { Account, Accounts } from './accounts.ts';
import { type AdminClient, clientsOf, credentialClient } from './clients.ts';
import { DEVICE_CODE_TTL, type DeviceGrant } from './device-grant.ts';
import { grantAllScopes, OIDC_SCOPES, resourceIndicators } from './grants.ts';
import { accessTokenClaims, idTokenClaims } from './token-claims.ts';

/** Lifetimes in seconds. */
const ACCESS_TOKEN_TTL = 600;
const SIGNED_IN_TTL = 12 * 3_600;
const INTERACTION_TTL = 3_600;
const CODE_TTL = 60;

export interface ProviderOptions {
  readonly spec: RealmSpec;
  readonly keys: RealmKeys;
  readonly cookieKeys: readonly string[];
  readonly publicUrl: string;
  readonly adminClients: readonly AdminClient[];
  /** Origins of further browser pages that may call the realm. */
  readonly corsOrigins: readonly string[];
  readonly accounts: Accounts;
  /** Credentials for scripts. Only the admin realm accepts them. */
  readonly credentials: EmbeddedClientCredentials;
  readonly deviceGrant: DeviceGrant;
  readonly table: Table;
  readonly anonymous: AnonymousRecords;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A realm's OpenID provider: code with PKCE, the device authorization grant for the command line, client credentials for
 * scripts, and rotating refresh tokens. All clients are our own, so there is no consent page. A refresh token from a
 * browser's sign-in ends with that sign-in. One from the device grant ends when it expires, or by `tierplane logout`.
 */
export function createProvider(options: ProviderOptions): Provider {
  const provider = new Provider(issuerOf(options.publicUrl, options.spec.id), configurationOf(options));
  // The table has only the hashes of secrets.
  Object.assign(provider.Client.prototype, {
    compareClientSecret(this: { readonly clientSecret: string }, secret: string): boolean {
      return isSecret(secret, this.clientSecret);
    },
  });
  // The realms' handler sets the forwarded headers from publicUrl.
  provider.proxy = true;
  provider.use(showUnavailable);
  logErrors(provider, options);
  return provider;
}

/**
 * Shows people a page while the store is unavailable. oidc-provider saves the session after its own handling of errors, and
 * if that fails, Koa would respond with two words of plain text.
 */
async function showUnavailable(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  try {
    await next();
  } catch (error) {
    if (!isDomainError(error, 'UNAVAILABLE') || ctx.accepts('json', 'html') !== 'html') throw error;
    ctx.app.emit('error', error, ctx);
    ctx.status = 503;
    ctx.set('retry-after', RETRY_AFTER);
    ctx.type = 'html';
    ctx.body = errorPage(UNAVAILABLE);
  }
}

function logErrors(provider: Provider, { spec, log }: ProviderOptions): void {
  const logFailure = (error: Error): void =>
    log.error({ realm: spec.id, error: error.name, reason: error.message }, 'sign-in failed unexpectedly');
  provider.on('server_error', (ctx, error) => {
    if (ctx.status === 503) ctx.set('retry-after', RETRY_AFTER);
    logFailure(error);
  });
  // Without a listener, Koa prints the error. The provider's types do not have Koa's events.
  (provider as EventEmitter).on('error', logFailure);
  provider.on('grant.error', (ctx, error) => {
    log.info({ realm: spec.id, client: ctx.oidc.client?.clientId, error: error.error }, 'token refused');
  });
}

function configurationOf(options: ProviderOptions): Configuration {
  const { spec, keys, publicUrl, adminClients } = options;
  const path = new URL(issuerOf(publicUrl, spec.id)).pathname;
  return {
    adapter: adapterOf(options),
    clients: [...clientsOf(spec.id, publicUrl, adminClients)],
    jwks: { keys: [...keys.keys] as JWK[] },
    clientDefaults: { id_token_signed_response_alg: SIGNING_ALG },
    responseTypes: ['code'],
    scopes: OIDC_SCOPES,
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    ttl: LIFETIMES,
    cookies: cookiesOf(options, path),
    features: featuresOf(options, path),
    interactions: {
      policy: interactionPolicy.base(),
      url: (_ctx, interaction) => `${path}/interaction/${interaction.uid}`,
    },
    loadExistingGrant: grantAllScopes,
    clientBasedCORS: corsPolicyOf(options),
    extraParams: ['tenant'],
    ...refreshTokens,
    ...claimsOf(options),
    renderError: (ctx, { error, error_description: text }) => {
      ctx.type = 'html';
      if (ctx.status === 503) {
        ctx.body = errorPage(UNAVAILABLE);
        return;
      }
      ctx.body = errorPage({
        title: 'This did not work',
        text:
          PLAIN_TEXT[text ?? ''] ??
          text ??
          'The request is not valid. Go back to the page you came from and try again.',
        code: error,
        link: { text: 'Sign in', href: `${path}/account` },
      });
    },
  };
}

const SIGN_OUT_TOO_OLD = 'This page was too old, so nothing has changed. Go to your account and sign out again.';

/** In place of oidc-provider's texts, which users would not understand. */
const PLAIN_TEXT: Readonly<Record<string, string>> = {
  'could not find logout details': SIGN_OUT_TOO_OLD,
  'xsrf token invalid': SIGN_OUT_TOO_OLD,
};

const LIFETIMES: NonNullable<Configuration['ttl']> = {
  AccessToken: ACCESS_TOKEN_TTL,
  AuthorizationCode: CODE_TTL,
  ClientCredentials: ACCESS_TOKEN_TTL,
  DeviceCode: DEVICE_CODE_TTL,
  IdToken: ACCESS_TOKEN_TTL,
  Interaction: INTERACTION_TTL,
  Session: SIGNED_IN_TTL,
  Grant: 2 * SIGNED_IN_TTL,
  // Rotation does not extend the lifetime of the first token.
  RefreshToken: (ctx) => ctx?.oidc?.entities.RotatedRefreshToken?.remainingTTL ?? SIGNED_IN_TTL,
};

const refreshTokens: Configuration = {
  rotateRefreshToken: true,
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async (_ctx, source) => source.kind !== 'DeviceCode',
};

function cookiesOf({ cookieKeys }: ProviderOptions, path: string): Configuration['cookies'] {
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true } as const;
  return { keys: [...cookieKeys], long: { ...cookie, path }, short: cookie };
}

function featuresOf({ spec, deviceGrant, credentials }: ProviderOptions, path: string): Configuration['features'] {
  return {
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
        // The context has a client only if the user has chosen to stay signed in.
        if (ctx.oidc.client) return ctx.redirect(`${path}/account`);
        ctx.body = signedOutPage({ realmName: spec.displayName, signInUrl: `${path}/account` });
      },
    },
    resourceIndicators: resourceIndicators({ realm: spec.id, accessTokenTtl: ACCESS_TOKEN_TTL, credentials }),
  };
}

/** Browser pages may call the realm from the public URL, from configured origins and from a client's own redirect URIs. */
function corsPolicyOf({ publicUrl, corsOrigins }: ProviderOptions): Configuration['clientBasedCORS'] {
  const origins = new Set([new URL(publicUrl).origin, ...corsOrigins]);
  return (_ctx, origin, client) =>
    origins.has(origin) || (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin);
}

/** Tokens carry the user's current record. An account that is not active gets none. */
function claimsOf({ spec, accounts, clock }: ProviderOptions): Configuration {
  return {
    claims: {
      openid: ['sub', 'token_use', 'tenantId', 'tier', 'role'],
      email: ['email'],
      profile: ['username'],
    },
    findAccount: async (_ctx, subject) => {
      const account = await accounts.active(spec.id, subject);
      if (account) await untilTokensAreValid(clock, account);
      return account && { accountId: subject, claims: async () => ({ sub: subject, ...idTokenClaims(account) }) };
    },
    extraTokenClaims: async (_ctx, token) => {
      if (token.kind === 'ClientCredentials') return { token_use: 'access' };
      const subject = 'accountId' in token ? token.accountId : undefined;
      const account = subject && (await accounts.active(spec.id, subject));
      if (!account) throw new errors.InvalidGrant('the account is not active');
      return accessTokenClaims(account);
    },
  };
}

/**
 * Waits for the second from which on tokens of the user are accepted again: `iat` has whole seconds, so a token from the
 * second in which the user ended all sessions would be refused.
 */
async function untilTokensAreValid(clock: Clock, { user: { tokensValidFrom = 0 } }: Account): Promise<void> {
  const ms = tokensValidFrom * 1_000 - clock.now();
  // A longer wait means that the system clock was set back.
  if (ms > 0) await pause(clock, Math.min(ms, 1_000));
}

/** The storage of oidc-provider. It finds credentials among the clients, and limits how often device codes are polled. */
function adapterOf({ table, anonymous, spec, clock, credentials, deviceGrant }: ProviderOptions) {
  const client = (): string => (Provider.ctx ? clientGroup(clientAddress(Provider.ctx.req)) : UNKNOWN_ADDRESS);
  const store = createOidcStore({ table, anonymous, realm: spec.id, clock, client });
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
