import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { jest } from '@jest/globals';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { tableContract } from '../../contract/table.suite.ts';

// The emulator reads the whole partition for every page.
jest.setTimeout(120_000);

describeInAccount('an emulated account', (account) => {
  tableContract('DynamoTable', async () => {
    const client = new DynamoDBClient(clientConfig(account()));
    return { table: await createTable(client, 'contract'), close: async () => client.destroy() };
  });
});
