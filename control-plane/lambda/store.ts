import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { functionClock as clock, systemRandom as random } from '../../adapters/aws/clock.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import type { StoreDeps } from '../api/http/deps.ts';
import type { Environment } from './environment.ts';

/** The platform's table with the clock and the randomness that functions use. */
export function openStore({ TIERPLANE_TABLE: tableName }: Environment): StoreDeps {
  return { table: openTable({ client: new DynamoDBClient(), tableName, clock, random }), clock, random };
}
