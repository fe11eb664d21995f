import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import type { StoreDeps } from '../api/http/deps.ts';
import type { Environment } from './environment.ts';

/** The control plane's table with the clock and the randomness that functions use. */
export function openStore({ TIERPLANE_TABLE: tableName }: Pick<Environment, 'TIERPLANE_TABLE'>): StoreDeps {
  return openNamed(tableName);
}

/** As `openStore`, with the application plane's table. */
export function openAppPlaneStore({ TIERPLANE_APP_PLANE_TABLE: tableName }: Environment): StoreDeps {
  return openNamed(tableName);
}

function openNamed(tableName: string): StoreDeps {
  return { table: openTable({ client: new DynamoDBClient(), tableName, clock, random }), clock, random };
}
