import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { PreTokenGenerationV2TriggerEvent } from 'aws-lambda';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { issuerKey, issuerOfPool } from '../../adapters/aws/identity/issuer-record.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { subjectKey } from '../../core/routing/registry.ts';
import { readEnvironment } from './environment.ts';
import { tenantClaims } from './tenant-claims.ts';

/** Cognito's pre token generation trigger of the tenants' user pools. */
const environment = readEnvironment(process.env, ['AWS_REGION', 'TIERPLANE_TABLE']);
const table = openTable({ client: new DynamoDBClient(), tableName: environment.TIERPLANE_TABLE, clock, random });

/**
 * Adds the claims that `authorize` requires to access tokens, from the registry.
 * @throws for a user who must get no token, because the user is disabled or the tenant is not active; the sign-in fails
 */
export async function handler(event: PreTokenGenerationV2TriggerEvent): Promise<PreTokenGenerationV2TriggerEvent> {
  const claims = await claimsOf(event.userPoolId, event.request.userAttributes.sub ?? '');
  const claimsAndScopeOverrideDetails = {
    accessTokenGeneration: { claimsToAddOrOverride: claims },
  };
  return { ...event, response: { claimsAndScopeOverrideDetails } };
}

async function claimsOf(userPoolId: string, sub: string) {
  const pool = await table.get(issuerKey(issuerOfPool(environment.AWS_REGION, userPoolId)));
  const user = pool && (await table.get(subjectKey(pool.data.realm, sub)))?.data;
  const tenant = user?.tenantId === undefined ? undefined : await tenantClaims(table, user.tenantId);
  if (!user?.enabled || user.tenantId === undefined || !tenant?.active) throw new Error('the account is not active');
  return { tenantId: user.tenantId, role: user.role, email: user.email, tier: tenant.tier };
}
