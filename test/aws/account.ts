import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { openTable } from '../../adapters/aws/table.ts';
import { expiryOf, tableShape } from '../../adapters/aws/table-shape.ts';
import { systemClock, systemRandom } from '../../adapters/embedded/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import { type EmulatedAccount, REGION, startEmulatedAccount } from '../../scripts/rehearsal/emulated-account.ts';
import { missingPython } from '../../scripts/rehearsal/python-environment.ts';

/** Making the Python environment takes half a minute, once. */
const START_WITHIN_MS = 240_000;

/**
 * A group of tests that share one emulated account of their own. Where the machine cannot run one, they are reported as
 * skipped with the reason in the group's name; in CI they then fail.
 */
export function describeInAccount(name: string, define: (account: () => EmulatedAccount) => void): void {
  const missing = process.env.CI === 'true' ? undefined : missingPython();
  const group = missing === undefined ? describe : describe.skip;
  group(missing === undefined ? name : `${name} (skipped: ${missing})`, () => {
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
