import type { TrustedIssuer } from '../../core/identity/authorize.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import type { Registry } from './registry.ts';

/**
 * Where the platform publishes the keys of a realm, on its socket. Undefined if no tenant has the realm: strangers invent
 * realms, and the platform should not be asked for the keys of each.
 *
 * @param issuer undefined if it is not one of the platform's realms
 */
export async function keySetUri(
  platformSocket: string,
  registry: Pick<Registry, 'route'>,
  issuer: Pick<TrustedIssuer, 'realm'> | undefined,
): Promise<string | undefined> {
  if (!issuer || !(await exists(issuer.realm, registry))) return undefined;
  return `unix:${platformSocket}:/realms/${issuer.realm}/jwks`;
}

async function exists(realm: RealmId, registry: Pick<Registry, 'route'>): Promise<boolean> {
  if (realm === 'admin' || realm === 'pool') return true;
  return (await registry.route(realm.slice('tenant-'.length)))?.realm === realm;
}
