import { compactVerify, importJWK } from 'jose';
import { Lru } from '../../../../core/collections/lru.ts';
import type { SignatureVerifier } from '../../../../core/identity/authorize.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { realmKeysKey } from '../realm-keys.ts';

/** Imported keys in the cache. */
const CACHE_SIZE = 1_000;

/** Verifies signatures in the process that owns the realms: it reads their keys from the table, without a request. */
export function createLocalSignature(table: Table): SignatureVerifier {
  const imported = new Lru<Awaited<ReturnType<typeof importJWK>>>(CACHE_SIZE);

  return async (token, { issuer, kid, alg }) => {
    const stored = await table.get(realmKeysKey(issuer.realm));
    const jwk = stored?.data.keys.find((key) => key.kid === kid && key.alg === alg);
    if (!jwk) return false;
    const id = `${issuer.realm} ${kid}`;
    try {
      const { d: _, ...publicPart } = jwk;
      const key = imported.get(id) ?? (await importJWK(publicPart, alg));
      imported.set(id, key);
      await compactVerify(token, key, { algorithms: [alg] });
      return true;
    } catch {
      return false;
    }
  };
}
