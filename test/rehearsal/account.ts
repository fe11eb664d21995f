import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from '@jest/globals';
import { openTable } from '../../adapters/aws/store/table.ts';
import { expiryOf, tableShape } from '../../adapters/aws/store/table-shape.ts';
import { systemClock, systemRandom } from '../../adapters/embedded/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import { type EmulatedAccount, REGION, startEmulatedAccount } from '../../rehearsal/emulated-account.ts';
import { describeWithPython } from '../support/describe-with-python.ts';

/** The first start also creates the Python environment, which takes about half a minute. */
const START_WITHIN_MS = 240_000;

/** A suite whose tests share an emulated account that no other suite uses. */
export function describeInAccount(name: string, define: (account: () => EmulatedAccount) => void): void {
  describeWithPython(name, () => {
    let account: EmulatedAccount | undefined;
    beforeAll(async () => {
      account = await startEmulatedAccount({ progress: (line) => process.stderr.write(`${line}\n`) });
    }, START_WITHIN_MS);
    afterAll(async () => account?.close());
    define(() => {
      if (!account) throw new Error('the emulated account has not started');
      return account;
    });
  });
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The configuration of an SDK client for the account. @param credentials default: the root user */
export function clientConfig(
  { endpoint }: EmulatedAccount,
  credentials: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' },
) {
  return { endpoint, region: REGION, credentials };
}

/** Creates a table in the platform's shape and opens it. */
export async function createTable(client: DynamoDBClient, tableName: string): Promise<Table> {
  await client.send(new CreateTableCommand(tableShape(tableName)));
  await client.send(new UpdateTimeToLiveCommand(expiryOf(tableName)));
  return openTable({ client, tableName, clock: systemClock, random: systemRandom });
}
