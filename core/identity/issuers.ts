import type { RealmId } from '../ports/identity.ts';
import { isRealmId } from '../tenant/ids.ts';
import type { TrustedIssuer } from './authorize.ts';

/** `aud` of every access token: the platform's APIs as a whole. */
export const API_AUDIENCE = 'urn:tierplane:api';

/** Our own public clients. All use code and PKCE, none has a secret. */
export const CLI_CLIENT = 'tierplane-cli';
export const ADMIN_CLIENT = 'tierplane-admin';
export const APP_CLIENT = 'tierplane-app';

/** Client ids of credentials for scripts begin with this; the admin realm alone issues them. */
export const CREDENTIAL_PREFIX = 'credential-';

/** Where the command line may receive a code on AWS: Cognito does not ignore the port of a loopback address. */
export const LOOPBACK_PORTS = [8976, 8977, 8978] as const;

/** The redirect URI of a loopback port. Cognito allows plain HTTP for the name `localhost` only. */
export function loopbackRedirect(port: number): string {
  return `http://localhost:${port}/callback`;
}

/** Scopes of the control plane, as SBT's clients ask for them. */
export const ADMIN_SCOPES = ['tenant/tenant_read', 'tenant/tenant_write', 'user/user_read', 'user/user_write'] as const;

/** What our own clients ask for to use the control plane. */
export const ADMIN_SIGN_IN_SCOPE = ['openid', ...ADMIN_SCOPES].join(' ');

/** @returns the realm of that name, or undefined if no realm can be called so */
export function parseRealm(raw: string): RealmId | undefined {
  return isRealmId(raw) ? raw : undefined;
}

/** @param publicUrl the front door, without a slash at its end */
export function issuerOf(publicUrl: string, realm: RealmId): string {
  return `${publicUrl}/realms/${realm}`;
}

/** The clients of a realm whose tokens the APIs take. */
export function clientIdsOf(realm: RealmId, adminClients: readonly string[] = []): readonly string[] {
  return realm === 'admin' ? [ADMIN_CLIENT, CLI_CLIENT, ...adminClients] : [APP_CLIENT, CLI_CLIENT];
}

/**
 * The allow-list of this platform's realms, for `createAuthorize`. A name that looks like a realm's but has no realm
 * behind it has no keys either.
 */
export function trustRealms(options: {
  readonly publicUrl: string;
  /** Further clients of the admin realm. */
  readonly adminClients?: readonly string[];
}): (issuer: string) => TrustedIssuer | undefined {
  const prefix = `${options.publicUrl}/realms/`;
  return (issuer) => {
    const realm = issuer.startsWith(prefix) ? parseRealm(issuer.slice(prefix.length)) : undefined;
    if (realm === undefined) return undefined;
    return {
      issuer,
      realm,
      clientIds: clientIdsOf(realm, options.adminClients),
      ...(realm === 'admin' && { clientIdPrefix: CREDENTIAL_PREFIX }),
      audience: API_AUDIENCE,
    };
  };
}
