import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { expect, jest, test } from '@jest/globals';
import { type DataTemplate, StackTenantData } from '../../../../adapters/aws/runtime/tenant-data.ts';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { pooledTableShape } from '../../../../adapters/aws/store/table-shape.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import type { EmulatedAccount } from '../../../../rehearsal/emulated-account.ts';
import { clientConfig, describeInAccount } from '../../../rehearsal/account.ts';
import { until } from '../../../support/until.ts';
import { tenantDataContract } from '../../contract/tenant-data.suite.ts';

jest.setTimeout(60_000);

const POOLED = 'pooled-products';

/** One table of a silo tenant, which its stack retains. */
function siloTemplate(billing = 'PAY_PER_REQUEST'): string {
  const Table = {
    Type: 'AWS::DynamoDB::Table',
    DeletionPolicy: 'Retain',
    Properties: {
      BillingMode: billing,
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    },
  };
  const Parameters = { TenantId: { Type: 'String', AllowedPattern: '^[a-z0-9]{8,26}$' } };
  return JSON.stringify({ Parameters, Resources: { Table } });
}

const dataTemplate: DataTemplate = {
  source: { TemplateBody: siloTemplate() },
  valuesOf: (TenantId) => ({ TenantId }),
};

function dataIn(account: EmulatedAccount, hasServices = async (_tenantId: string) => false): StackTenantData {
  return new StackTenantData({
    cloudFormation: new CloudFormationClient(clientConfig(account)),
    dynamo: new DynamoDBClient(clientConfig(account)),
    ...{ template: dataTemplate, prefix: 'tp', pooledTables: [POOLED], hasServices },
    ...{ clock: systemClock, random: systemRandom },
  });
}

describeInAccount('an emulated account', (account) => {
  tenantDataContract('stacks with tables, and items in pooled tables', async () => {
    const client = new DynamoDBClient(clientConfig(account()));
    await client.send(new CreateTableCommand(pooledTableShape(POOLED)));
    const options = { client, tableName: POOLED, clock: systemClock, random: systemRandom };
    return {
      data: dataIn(account()),
      pooled: openTable({ ...options, tenantScoped: true }),
      withinMs: 30_000,
      close: async () => undefined,
    };
  });

  test("a silo tenant's tables are deleted although their stack retains them, and only when its services have ended", async () => {
    const dynamo = new DynamoDBClient(clientConfig(account()));
    const tables = async () => (await dynamo.send(new ListTablesCommand({}))).TableNames ?? [];
    const before = await tables();
    let isServing = true;
    const data = dataIn(account(), async () => isServing);
    await until(async () => !(await data.ensure('tenantsilo1', 'premium')));
    const [table] = (await tables()).filter((name) => !before.includes(name));
    await expect(data.delete('tenantsilo1')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await dynamo.send(new DescribeTableCommand({ TableName: table }))).Table?.TableStatus).toBe('ACTIVE');
    isServing = false;
    await until(async () => !(await data.delete('tenantsilo1')));
    expect(await tables()).toEqual(before);
    expect(await data.has('tenantsilo1')).toBe(false);
  });
});
