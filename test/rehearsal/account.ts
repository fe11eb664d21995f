import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from '@jest/globals';
import { openTable } from '../../adapters/aws/store/table.ts';
import { expiryOf, tableShape } from '../../adapters/aws/store/table-shape.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import { clientConfig as rootConfig } from '../../rehearsal/bus-watch.ts';
import { type ContainerEngine, missingContainerEngine } from '../../rehearsal/container-engine.ts';
import { type EmulatedAccount, startEmulatedAccount } from '../../rehearsal/emulated-account.ts';
import { missingPython } from '../../rehearsal/python-environment.ts';
import { describeWithPython } from '../support/describe-with-python.ts';
import { describeUnless } from '../support/requirements.ts';
import { secondOpinion } from './second-opinion.ts';

/** The first start also creates the Python environment, which takes about half a minute. */
const START_WITHIN_MS = 240_000;

/** A suite whose tests share an emulated account that no other suite uses. Its ECS services have no containers. */
export function describeInAccount(name: string, define: (account: () => EmulatedAccount) => void): void {
  describeWithPython(name, () => inAccount({ containers: false }, define));
}

/** As `describeInAccount`, with ECS tasks that are containers. Without a container engine it fails in CI and is skipped elsewhere. */
export function describeWithContainers(
  name: string,
  define: (account: () => EmulatedAccount, engine: () => ContainerEngine) => void,
): void {
  describeUnless(missingPython() ?? missingContainerEngine(), name, () => {
    inAccount({ containers: true }, (account) => {
      define(account, () => {
        const { engine } = account();
        if (!engine) throw new Error('the account has no container engine');
        return engine;
      });
    });
  });
}

function inAccount(options: { readonly containers: boolean }, define: (account: () => EmulatedAccount) => void): void {
  let account: EmulatedAccount | undefined;
  beforeAll(async () => {
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    account = secondOpinion() ?? (await startEmulatedAccount({ ...options, progress }));
  }, START_WITHIN_MS);
  afterAll(async () => account?.close());
  define(() => {
    if (!account) throw new Error('the emulated account has not started');
    return account;
  });
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The configuration of an SDK client for the account. @param credentials @default - those of the root user */
export function clientConfig(account: EmulatedAccount, credentials?: Credentials) {
  return { ...rootConfig(account), ...(credentials && { credentials }) };
}

/** For `tableContract`. The emulator reads the whole partition for every page. */
export const SMALLEST_PAGE = 60;

/** Creates a table in the platform's shape and opens it. */
export async function createTable(client: DynamoDBClient, tableName: string): Promise<Table> {
  await client.send(new CreateTableCommand(tableShape(tableName)));
  await client.send(new UpdateTimeToLiveCommand(expiryOf(tableName)));
  return openTable({ client, tableName, clock: systemClock, random: systemRandom });
}
