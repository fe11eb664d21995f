import type { ClientMetadata } from 'oidc-provider';
import { ADMIN_CLIENT, APP_CLIENT, CLI_CLIENT, issuerOf } from '../../../../core/identity/issuers.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import { SIGNING_ALG } from '../realm-keys.ts';

/** A further public client of the admin realm, such as an admin page made for SBT. */
export interface AdminClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[] | undefined;
}

/** For sign-ins that no application asked for: it ends at the account page, and no API takes its tokens. */
export const ACCOUNT_CLIENT = 'tierplane-account';
/** Never called: the command line follows the redirects itself and takes the code out of the last one. */
export const CLI_REDIRECT = 'http://127.0.0.1/callback';

/** The clients of a realm, all public: code and PKCE, no secret. */
export function clientsOf(
  realm: RealmId,
  publicUrl: string,
  adminClients: readonly AdminClient[],
): readonly ClientMetadata[] {
  const issuer = issuerOf(publicUrl, realm);
  const [webClient, webPath] = realm === 'admin' ? [ADMIN_CLIENT, '/admin'] : [APP_CLIENT, '/app'];
  return [
    publicClient(webClient, [`${publicUrl}${webPath}/callback`], [`${publicUrl}${webPath}/`, `${publicUrl}/`]),
    { ...publicClient(CLI_CLIENT, [CLI_REDIRECT], []), application_type: 'native' },
    publicClient(ACCOUNT_CLIENT, [`${issuer}/account`], [`${publicUrl}/`]),
    ...(realm === 'admin' ? adminClients : []).map(({ clientId, redirectUris, postLogoutRedirectUris = [] }) =>
      publicClient(clientId, redirectUris, postLogoutRedirectUris),
    ),
  ];
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
