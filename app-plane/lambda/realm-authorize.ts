import { issuerKey, mayBePoolIssuer } from '../../adapters/aws/identity/issuer-record.ts';
import { keySetOf } from '../../adapters/aws/identity/key-set.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { ExpiringCache } from '../../core/collections/expiring-cache.ts';
import { type Authorize, createAuthorize, type TrustedIssuer } from '../../core/identity/authorize.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Table } from '../../core/ports/table.ts';

/** How long an issuer stays trusted until the table is read again, in ms. A tenant's own pool is deleted with the tenant. */
const ISSUER_TTL_MS = 2_000;
/** A cell has fewer user pools. */
const MAX_ISSUERS = 100;

/**
 * `authorize` for the user pools of the realms that the table has now. A tenant's own pool is created and deleted with
 * the tenant. An unknown issuer is not cached, so the users of a new tenant are served at once.
 * @param endpointUrl where Cognito is reached. @default - at each issuer's own address
 */
export function createRealmAuthorize(
  table: Pick<Table, 'get'>,
  clock: Clock,
  endpointUrl: string | undefined,
): Authorize {
  const signature = createSignature({ jwksUri: (issuer) => keySetOf({ issuer }, endpointUrl), clock });
  const known = new ExpiringCache<TrustedIssuer>({ ttlMs: ISSUER_TTL_MS, maxEntries: MAX_ISSUERS });

  async function read(issuer: string): Promise<TrustedIssuer | undefined> {
    if (!mayBePoolIssuer(issuer)) return undefined;
    const pool = (await table.get(issuerKey(issuer)))?.data;
    if (!pool) return undefined;
    const trusted = { issuer, realm: pool.realm, clientIds: [pool.clientId] };
    known.set(issuer, trusted, clock.monotonic());
    return trusted;
  }

  return createAuthorize({
    issuers: (issuer) => known.get(issuer, clock.monotonic()) ?? read(issuer),
    verifySignature: signature.verify,
    clock,
  });
}
