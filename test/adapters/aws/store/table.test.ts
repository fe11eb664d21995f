import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { jest } from '@jest/globals';
import { clientConfig, createTable, describeInAccount, SMALLEST_PAGE } from '../../../rehearsal/account.ts';
import { guardedTableContract } from '../../contract/guarded-table.suite.ts';
import { tableContract } from '../../contract/table.suite.ts';

jest.setTimeout(120_000);

describeInAccount('an emulated account', (account) => {
  const open = (name: string) => async () => {
    const client = new DynamoDBClient(clientConfig(account()));
    return { table: await createTable(client, name), close: async () => client.destroy() };
  };
  tableContract('DynamoTable', open('contract'), { smallestPage: SMALLEST_PAGE });
  guardedTableContract('DynamoTable', open('guarded'), 30);
});
