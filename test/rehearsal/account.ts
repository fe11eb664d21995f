import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from '@jest/globals';
import { openTable } from '../../adapters/aws/store/table.ts';
import { expiryOf, tableShape } from '../../adapters/aws/store/table-shape.ts';
import { systemClock, systemRandom } from '../../adapters/embedded/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import { type EmulatedAccount, REGION, startEmulatedAccount } from '../../rehearsal/emulated-account.ts';
import { describeWithPython } from '../support/describe-with-python.ts';

/** Making the Python environment takes half a minute, once. */
const START_WITHIN_MS = 240_000;

/** A group of tests that share one emulated account of their own. */
export function describeInAccount(name: string, define: (account: () => EmulatedAccount) => void): void {
  describeWithPython(name, () => {
    let account: EmulatedAccount | undefined;
    beforeAll(async () => {
      account = await startEmulatedAccount({ progress: (line) => process.stderr.write(`${line}\n`) });
    }, START_WITHIN_MS);
    afterAll(async () => account?.close());
    define(() => {
      if (!account) throw new Error('the emulated account is not up');
      return account;
    });
  });
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What an SDK client needs to reach the account; as its root user unless told otherwise. */
export function clientConfig(
  { endpoint }: EmulatedAccount,
  credentials: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' },
) {
  return { endpoint, region: REGION, credentials };
}

/** Creates a table of the platform's shape and opens it. */
export async function createTable(client: DynamoDBClient, tableName: string): Promise<Table> {
  await client.send(new CreateTableCommand(tableShape(tableName)));
  await client.send(new UpdateTimeToLiveCommand(expiryOf(tableName)));
  return openTable({ client, tableName, clock: systemClock, random: systemRandom });
}
