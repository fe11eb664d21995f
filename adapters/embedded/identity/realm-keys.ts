import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { RealmId } from '../../../core/ports/identity.ts';
import type { Item, Key } from '../../../core/ports/table.ts';

/** The signing keys of a realm, private parts included. The first one signs. */
export interface RealmKeys {
  readonly keys: readonly JWK[];
}

/** The algorithm of the realms' keys: an ES256 key takes a millisecond to create, an RSA key a tenth of a second or more. */
export const SIGNING_ALG = 'ES256';

export function realmKeysKey(realm: RealmId): Key<RealmKeys> {
  return { pk: `realm#${realm}`, sk: 'keys' };
}

/** A new key set with one key. */
export async function createRealmKeys(realm: RealmId, kid: string): Promise<Item<RealmKeys>> {
  const { privateKey } = await generateKeyPair(SIGNING_ALG, { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: SIGNING_ALG };
  return { ...realmKeysKey(realm), version: 1, data: { keys: [jwk] } };
}
