import { issuerKey } from '../../adapters/aws/identity/issuer-record.ts';
import { keySetOf } from '../../adapters/aws/identity/key-set.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { type Authorize, createAuthorize } from '../../core/identity/authorize.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Table } from '../../core/ports/table.ts';

/**
 * `authorize` for the user pools of the realms that the table has now. A tenant's own pool comes and goes with the tenant.
 * @param endpointUrl where Cognito is reached. @default - at each issuer's own address
 */
export function createRealmAuthorize(table: Table, clock: Clock, endpointUrl: string | undefined): Authorize {
  const signature = createSignature({ jwksUri: (issuer) => keySetOf({ issuer }, endpointUrl), clock });
  return createAuthorize({
    async issuers(issuer) {
      const pool = (await table.get(issuerKey(issuer)))?.data;
      return pool && { issuer, realm: pool.realm, clientIds: [pool.clientId] };
    },
    verifySignature: signature.verify,
    clock,
  });
}
