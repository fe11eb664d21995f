import type { ClientMetadata } from 'oidc-provider';
import { ADMIN_CLIENT, APP_CLIENT, CLI_CLIENT, issuerOf } from '../../../../core/identity/issuers.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import { SIGNING_ALG } from '../realm-keys.ts';

/** A further public client of the admin realm, for example an admin page that was written for SBT. */
export interface AdminClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[] | undefined;
}

/** The client of sign-ins that no application requested. They end at the account page. No API accepts its tokens. */
export const ACCOUNT_CLIENT = 'tierplane-account';
/** The grant type of RFC 8628. */
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** Nothing listens here: a client that follows redirects itself takes the code from the last one. */
const CLI_REDIRECT = 'http://127.0.0.1/callback';

/** The clients of a realm. All are public: code and PKCE, no secret. */
export function clientsOf(
  realm: RealmId,
  publicUrl: string,
  adminClients: readonly AdminClient[],
): readonly ClientMetadata[] {
  const issuer = issuerOf(publicUrl, realm);
  const [webClient, webPath] = realm === 'admin' ? [ADMIN_CLIENT, '/admin'] : [APP_CLIENT, '/app'];
  return [
    publicClient(webClient, [`${publicUrl}${webPath}/callback`], [`${publicUrl}${webPath}/`, `${publicUrl}/`]),
    cliClient(),
    publicClient(ACCOUNT_CLIENT, [`${issuer}/account`], [`${publicUrl}/`]),
    ...(realm === 'admin' ? adminClients : []).map(({ clientId, redirectUris, postLogoutRedirectUris = [] }) =>
      publicClient(clientId, redirectUris, postLogoutRedirectUris),
    ),
  ];
}

function cliClient(): ClientMetadata {
  const client = publicClient(CLI_CLIENT, [CLI_REDIRECT], []);
  const grants = [...(client.grant_types ?? []), DEVICE_GRANT];
  return { ...client, application_type: 'native', client_name: 'Tierplane command line', grant_types: grants };
}

/** The metadata of a credential for scripts. @param secretHash takes the place of the secret in oidc-provider */
export function credentialClient(clientId: string, secretHash: string): ClientMetadata {
  return {
    client_id: clientId,
    client_secret: secretHash,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    id_token_signed_response_alg: SIGNING_ALG,
  };
}

function publicClient(id: string, redirectUris: readonly string[], afterLogout: readonly string[]): ClientMetadata {
  return {
    client_id: id,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [...redirectUris],
    post_logout_redirect_uris: [...afterLogout],
    id_token_signed_response_alg: SIGNING_ALG,
  };
}

/** All redirect targets of a realm's clients, for the Content-Security-Policy of its pages. */
export function redirectUrisOf(realm: RealmId, publicUrl: string, adminClients: readonly AdminClient[]): string[] {
  return clientsOf(realm, publicUrl, adminClients).flatMap((client) => [
    ...(client.redirect_uris ?? []),
    ...(client.post_logout_redirect_uris ?? []),
  ]);
}
