import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { keyCheckKey } from '../../core/routing/key-check.ts';
import { cachedRegistry, tableRegistry } from '../gateway/registry.ts';
import { createAuthorizer } from './authorize-request.ts';
import { readEnvironment } from './environment.ts';
import { createRealmAuthorize } from './realm-authorize.ts';

/** The TOKEN authorizer of the tenants' REST API. While keys and registry are cached, it makes no outgoing call. */
const { TIERPLANE_TABLE: tableName } = readEnvironment(process.env, ['TIERPLANE_TABLE']);
const table = openTable({ client: new DynamoDBClient(), tableName, clock, random });

export const handler = createAuthorizer({
  authorize: createRealmAuthorize(table, clock, process.env.AWS_ENDPOINT_URL),
  registry: cachedRegistry(tableRegistry(table), { clock }),
  keyCheck: async (ticket) => (await table.get(keyCheckKey(ticket)))?.data,
  ...{ clock, log },
});
