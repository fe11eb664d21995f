import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { jest } from '@jest/globals';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { guardedTableContract } from '../../contract/guarded-table.suite.ts';
import { tableContract } from '../../contract/table.suite.ts';

// The emulator reads the whole partition for every page.
jest.setTimeout(120_000);

describeInAccount('an emulated account', (account) => {
  const open = (name: string) => async () => {
    const client = new DynamoDBClient(clientConfig(account()));
    return { table: await createTable(client, name), close: async () => client.destroy() };
  };
  tableContract('DynamoTable', open('contract'));
  guardedTableContract('DynamoTable', open('guarded'), 30);
});
