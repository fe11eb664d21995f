import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { openIdentity } from '../../adapters/aws/identity/identity.ts';
import { createPasswordCheck } from '../../adapters/aws/identity/own-password.ts';
import { openPasswordVault } from '../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../adapters/aws/identity/user-pool.ts';
import type { UsersCallEvent } from '../../adapters/aws/identity/users-invocation.ts';
import { functionLog } from '../../adapters/aws/log.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { createMailLimits } from '../../core/identity/users/mail-limits.ts';
import { createUsersEndpoint } from '../../core/identity/users-api/users-endpoint.ts';
import type { UsersResponse } from '../../core/identity/users-api/users-response.ts';
import { readEnvironment } from './environment.ts';
import { createRealmAuthorize } from './realm-authorize.ts';
import { tenantClaims } from './tenant-claims.ts';

/**
 * The users API of the tenants' realms, for the users service, which has no permissions over users. It verifies the token of
 * each call itself.
 */
const environment = readEnvironment(process.env, [
  'AWS_REGION',
  'TIERPLANE_TABLE',
  'TIERPLANE_PREFIX',
  'TIERPLANE_PASSWORD_KEY',
]);
const table = openTable({ client: new DynamoDBClient(), tableName: environment.TIERPLANE_TABLE, clock, random });
const cognito = new CognitoIdentityProviderClient();
const identity = openIdentity({
  table,
  clock,
  // These limits hold per instance of the function. Cognito has limits for the whole account.
  mailLimits: createMailLimits(clock),
  pools: openUserPools(cognito, { prefix: environment.TIERPLANE_PREFIX, random }),
  vault: openPasswordVault(new KMSClient(), environment.TIERPLANE_PASSWORD_KEY),
  region: environment.AWS_REGION,
});
const respond = createUsersEndpoint({
  identity,
  tenantClaims: (tenantId) => tenantClaims(table, tenantId),
  authorize: createRealmAuthorize(table, clock, process.env.AWS_ENDPOINT_URL),
  checkPassword: createPasswordCheck(cognito, table),
});

/** Handles one call and writes one log line, which contains no token, no body and no personal name. */
export async function handler(event: UsersCallEvent | null): Promise<UsersResponse> {
  const started = clock.monotonic();
  const { requestId, method } = event ?? {};
  const response = await respond(event).catch((error: unknown): UsersResponse => {
    functionLog.error({ requestId, method, err: error }, 'request failed');
    return { status: 500, headers: {}, body: { message: 'internal error' } };
  });
  const ms = Math.round(clock.monotonic() - started);
  functionLog.info({ requestId, method, status: response.status, ms }, 'request');
  return response;
}
