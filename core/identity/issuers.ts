import type { RealmId } from '../ports/identity.ts';
import { isRealmId } from '../tenant/ids.ts';
import type { TrustedIssuer } from './authorize.ts';

/** The `aud` of every access token. It stands for all APIs of the platform. */
export const API_AUDIENCE = 'urn:tierplane:api';

/** The platform's own public clients. They have no secret, and use code with PKCE. */
export const CLI_CLIENT = 'tierplane-cli';
export const ADMIN_CLIENT = 'tierplane-admin';
export const APP_CLIENT = 'tierplane-app';
/** On AWS, the client of the administrators' pool whose sign-ins prove a current password. */
export const PASSWORD_CLIENT = 'tierplane-password';

/** Client ids of credentials for scripts begin with this. Only the admin realm issues them. */
export const CREDENTIAL_PREFIX = 'credential-';
/** The command line's own credential on the platform's machine; its secret changes at every start. */
export const LOCAL_CREDENTIAL = `${CREDENTIAL_PREFIX}local`;

/** The tag of tenants' user pools on AWS; its value is the environment's prefix. Permissions are limited by it. */
export const USER_POOL_TAG = 'tierplane:prefix';

/** Ports on which the command line receives the code on AWS. They are fixed, because Cognito compares the port too. */
export const LOOPBACK_PORTS = [8976, 8977, 8978] as const;

/** The redirect URI of a loopback port. Cognito allows plain HTTP for the name `localhost` only. */
export function loopbackRedirect(port: number): string {
  return `http://localhost:${port}/callback`;
}

/** The scopes of the control plane, which are those of SBT's resource servers. */
export const SCOPES = {
  tenantRead: 'tenant/tenant_read',
  tenantWrite: 'tenant/tenant_write',
  userRead: 'user/user_read',
  userWrite: 'user/user_write',
} as const;
export type Scope = (typeof SCOPES)[keyof typeof SCOPES];

/** All scopes of the control plane. */
export const ADMIN_SCOPES: readonly Scope[] = Object.values(SCOPES);

/** The scopes that the platform's own clients request for the control plane. */
export const ADMIN_SIGN_IN_SCOPE = ['openid', ...ADMIN_SCOPES].join(' ');

/** @returns the realm id, or undefined if the text is not the id of a realm */
export function parseRealm(raw: string): RealmId | undefined {
  return isRealmId(raw) ? raw : undefined;
}

/** @param publicUrl the public URL of the platform, without a trailing slash */
export function issuerOf(publicUrl: string, realm: RealmId): string {
  return `${publicUrl}/realms/${realm}`;
}

/** The clients of a realm whose tokens the APIs accept. */
export function clientIdsOf(realm: RealmId, adminClients: readonly string[] = []): readonly string[] {
  return realm === 'admin' ? [ADMIN_CLIENT, CLI_CLIENT, ...adminClients] : [APP_CLIENT, CLI_CLIENT];
}

/**
 * The allow-list of this platform's realms, for `createAuthorize`. It accepts any realm id: a realm that does not exist
 * has no keys, so it cannot sign a token.
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
