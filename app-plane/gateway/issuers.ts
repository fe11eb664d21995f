import type { TrustedIssuer } from '../../core/identity/authorize.ts';
import type { RealmId } from '../../core/ports/identity.ts';

/** What every access token is for, in all realms. */
export const AUDIENCE = 'urn:tierplane:api';

const REALM = /^(?:admin|pool|tenant-[a-z0-9]{8,26})$/;

const TENANT_CLIENTS = ['tierplane-app', 'tierplane-cli'];
/** Known to be known: an admin is then told 403, not 401. */
const ADMIN_CLIENTS = ['tierplane-admin', 'tierplane-cli'];

/** The realms of this very front door, by their issuers' exact names: `<publicUrl>/realms/<realm>`. */
export function trustedIssuers(publicUrl: string): (issuer: string) => TrustedIssuer | undefined {
  const prefix = `${publicUrl.replace(/\/+$/, '')}/realms/`;
  return (issuer) => {
    const realm = issuer.slice(prefix.length);
    if (!issuer.startsWith(prefix) || !REALM.test(realm)) return undefined;
    const clientIds = realm === 'admin' ? ADMIN_CLIENTS : TENANT_CLIENTS;
    return { issuer, realm: realm as RealmId, clientIds, audience: AUDIENCE };
  };
}

/** Where the platform, on its socket, publishes the keys of a trusted issuer. */
export function jwksPath(issuer: string): string {
  return `${new URL(issuer).pathname.replace(/^.*(\/realms\/[^/]+)$/, '$1')}/jwks`;
}
