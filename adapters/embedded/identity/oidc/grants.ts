import { type Client, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { ADMIN_SCOPES, API_AUDIENCE } from '../../../../core/identity/issuers.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import type { EmbeddedClientCredentials } from '../client-credentials.ts';
import { SIGNING_ALG } from '../realm-keys.ts';

export const OIDC_SCOPES = ['openid', 'offline_access', 'profile', 'email'];

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>;

/** The platform's APIs are the only resource, and the default one. Their access tokens are JWTs. */
export function resourceIndicators(options: {
  readonly realm: RealmId;
  /** Lifetime in seconds. */
  readonly accessTokenTtl: number;
  readonly credentials: EmbeddedClientCredentials;
}): ResourceIndicators {
  const { realm, accessTokenTtl, credentials } = options;
  const userScope = [...OIDC_SCOPES, ...(realm === 'admin' ? ADMIN_SCOPES : [])].join(' ');
  return {
    enabled: true,
    defaultResource: async () => API_AUDIENCE,
    useGrantedResource: async () => true,
    async getResourceServerInfo(ctx, resource, client) {
      if (resource !== API_AUDIENCE) throw new errors.InvalidTarget();
      return {
        scope: isCredential(client) ? await credentialScope(ctx, credentials) : userScope,
        audience: API_AUDIENCE,
        accessTokenTTL: accessTokenTtl,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: SIGNING_ALG } },
      };
    },
  };
}

function isCredential(client: Client): boolean {
  return client.grantTypeAllowed('client_credentials');
}

/** The scopes of the calling credential. A request without scopes gets all of them (RFC 6749, section 3.3). */
async function credentialScope(ctx: KoaContextWithOIDC, credentials: EmbeddedClientCredentials): Promise<string> {
  const credential = await credentials.get(ctx.oidc.client?.clientId ?? '');
  const scope = credential?.scopes.join(' ') ?? '';
  if (ctx.oidc.params && ctx.oidc.params.scope === undefined) ctx.oidc.params.scope = scope;
  return scope;
}

/** Grants every scope of the realm, without a consent page, because all clients are our own. */
export async function grantAllScopes({ oidc }: KoaContextWithOIDC) {
  const { client, session, provider, account, entities } = oidc;
  if (!client || !account) return undefined;
  // Each device has its own grant, so that `tierplane logout` on one leaves the others signed in.
  const known = entities.DeviceCode ? undefined : session?.grantIdFor(client.clientId);
  const grant =
    (known && (await provider.Grant.find(known))) ||
    new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope(OIDC_SCOPES.join(' '));
  for (const [resource, server] of Object.entries(oidc.resourceServers ?? {})) {
    grant.addResourceScope(resource, server.scope);
  }
  await grant.save();
  return grant;
}
