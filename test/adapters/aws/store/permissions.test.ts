import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { put, type Table } from '../../../../core/ports/table.ts';
import { ACCOUNT_ID, REGION } from '../../../../rehearsal/emulated-account.ts';
import type { Statement } from '../../../../tenant-templates/data-role.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { assumeNewRole } from './roles.ts';

const TABLE = 'tenants';
const ARN = `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${TABLE}`;
const DATA_ACTIONS = ['GetItem', 'PutItem', 'DeleteItem', 'UpdateItem', 'Query', 'BatchGetItem', 'BatchWriteItem'];

/** What a tenant's credentials may do with data. `condition` limits it to the tenant's leading keys. */
function tenantStatement(condition?: Statement['Condition']): Statement {
  return {
    Effect: 'Allow',
    Action: [...DATA_ACTIONS, 'ConditionCheckItem'].map((action) => `dynamodb:${action}`),
    Resource: [ARN, `${ARN}/index/*`],
    ...(condition && { Condition: condition }),
  };
}

/** A policy variable, which IAM resolves. */
const TENANT = `\${aws:PrincipalTag/tenantId}`;
const LEADING_KEYS = {
  'ForAllValues:StringLike': {
    'dynamodb:LeadingKeys': [TENANT, `${TENANT}#*`],
  },
  Null: { 'dynamodb:LeadingKeys': 'false' },
};

describeInAccount('permissions in the emulated account', (account) => {
  let root: Table;
  let tenant: Table;
  let raw: DynamoDBClient;

  beforeAll(async () => {
    root = await createTable(new DynamoDBClient(clientConfig(account())), TABLE);
    const place = (pk: string) => ({
      pk,
      sk: 'x',
      version: 1,
      data: {},
      indexes: { g1: { pk: `${pk}#by-name`, sk: 'x' } },
    });
    await root.transact(['t1', 't1#orders', 't10', 't10#orders', 't2'].map((pk) => put(place(pk))));
    const credentials = await assumeNewRole(account(), 'tenant', [tenantStatement(LEADING_KEYS)], { tenantId: 't1' });
    raw = new DynamoDBClient(clientConfig(account(), credentials));
    tenant = openTable({ client: raw, tableName: TABLE, clock: systemClock, random: systemRandom, tenantScoped: true });
  });

  test.each(['t1', 't1#orders'])('TI-2: let a tenant read and write its partition %s', async (pk) => {
    const key = { pk, sk: 'x' };
    expect(await tenant.get(key)).toBeDefined();
    expect((await tenant.query({ pk, limit: 10 })).items.length).toBeGreaterThan(0);
    expect((await tenant.query({ pk: `${pk}#by-name`, index: 'g1', limit: 10 })).items).toHaveLength(1);
    await tenant.transact([put({ pk, sk: 'new', version: 1, data: {} }, 'absent'), { check: key, if: 'present' }]);
    await tenant.transact([{ delete: { pk, sk: 'new' } }]);
  });

  test.each(['t2', 't10', 't10#orders', 'absent', 'T1', 't1 '])(
    'SE-1.7: refuse a tenant access to the partition %s, whether it exists or not',
    async (pk) => {
      const key = { pk, sk: 'x' };
      const denied = { code: 'ACCESS_DENIED', message: "the key must be the tenant's own" };
      await expect(tenant.get(key)).rejects.toMatchObject(denied);
      await expect(tenant.query({ pk, limit: 10 })).rejects.toMatchObject(denied);
      await expect(tenant.query({ pk: `${pk}#by-name`, index: 'g1', limit: 10 })).rejects.toMatchObject(denied);
      await expect(tenant.transact([put({ ...key, version: 1, data: {} })])).rejects.toMatchObject(denied);
      await expect(tenant.transact([{ delete: key }])).rejects.toMatchObject(denied);
      await expect(tenant.transact([{ check: key, if: 'absent' }])).rejects.toMatchObject(denied);
      await expect(
        tenant.transact([put({ pk: 't1', sk: 'beside', version: 1, data: {} }), { check: key, if: 'absent' }]),
      ).rejects.toMatchObject(denied);
      expect(await root.get({ pk: 't1', sk: 'beside' })).toBeUndefined();
    },
  );

  describe('SE-1.6: refuse every other way to foreign keys', () => {
    const own = { pk: { S: 't1' }, sk: { S: 'x' } };
    const foreign = { pk: { S: 't2' }, sk: { S: 'x' } };
    const denied = { name: 'AccessDeniedException' };

    test('a scan, of the table and of an index', async () => {
      await expect(raw.send(new ScanCommand({ TableName: TABLE }))).rejects.toMatchObject(denied);
      await expect(raw.send(new ScanCommand({ TableName: TABLE, IndexName: 'index-g1' }))).rejects.toMatchObject(
        denied,
      );
    });

    test('PartiQL', async () => {
      const statement = new ExecuteStatementCommand({ Statement: `SELECT * FROM "${TABLE}"` });
      await expect(raw.send(statement)).rejects.toMatchObject(denied);
    });

    test('a batch or transaction that mixes keys', async () => {
      const keys = { Keys: [own, foreign] };
      await expect(raw.send(new BatchGetItemCommand({ RequestItems: { [TABLE]: keys } }))).rejects.toMatchObject(
        denied,
      );
      const items = [own, foreign].map((Item) => ({ PutRequest: { Item } }));
      await expect(raw.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: items } }))).rejects.toMatchObject(
        denied,
      );
      const gets = [own, foreign].map((Key) => ({ Get: { TableName: TABLE, Key } }));
      await expect(raw.send(new TransactGetItemsCommand({ TransactItems: gets }))).rejects.toMatchObject(denied);
    });

    test('an update, and a put with its own key that hides a foreign one in attribute names', async () => {
      const update = {
        TableName: TABLE,
        Key: foreign,
        UpdateExpression: 'SET a = :a',
        ExpressionAttributeValues: { ':a': { S: '' } },
      };
      await expect(raw.send(new UpdateItemCommand(update))).rejects.toMatchObject(denied);
      await expect(raw.send(new PutItemCommand({ TableName: TABLE, Item: foreign }))).rejects.toMatchObject(denied);
      const query = {
        TableName: TABLE,
        KeyConditionExpression: '#t1 = :own',
        ExpressionAttributeNames: { '#t1': 'pk' },
        ExpressionAttributeValues: { ':own': { S: 't2' } },
      };
      await expect(raw.send(new QueryCommand(query))).rejects.toMatchObject(denied);
    });
  });

  test('without the condition a foreign key is allowed, and without Null:false a scan is', async () => {
    const open = await assumeNewRole(account(), 'open', [tenantStatement()], { tenantId: 't1' });
    const client = new DynamoDBClient(clientConfig(account(), open));
    const table = openTable({ client, tableName: TABLE, clock: systemClock, random: systemRandom, tenantScoped: true });
    expect(await table.get({ pk: 't2', sk: 'x' })).toBeDefined();

    const { Null: _, ...lenient } = LEADING_KEYS;
    const scan: Statement = { ...tenantStatement(lenient), Action: ['dynamodb:Scan'] };
    const scanning = await assumeNewRole(account(), 'scanning', [scan], { tenantId: 't1' });
    const scanner = new DynamoDBClient(clientConfig(account(), scanning));
    expect((await scanner.send(new ScanCommand({ TableName: TABLE }))).Count).toBeGreaterThan(0);
  });

  test('a session without the tag has no access', async () => {
    const untagged = await assumeNewRole(account(), 'untagged', [tenantStatement(LEADING_KEYS)]);
    const client = new DynamoDBClient(clientConfig(account(), untagged));
    const table = openTable({ client, tableName: TABLE, clock: systemClock, random: systemRandom, tenantScoped: true });
    await expect(table.get({ pk: 't1', sk: 'x' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test("a variable in a resource takes the caller's value, or its default where the tag is missing", async () => {
    const statement = (resource: string): Statement => ({
      Effect: 'Allow',
      Action: ['dynamodb:GetItem'],
      Resource: [resource],
    });
    const arn = ARN.replace(TABLE, '');
    const reach = async (name: string, resource: string, tags: Record<string, string>) => {
      const credentials = await assumeNewRole(account(), name, [statement(resource)], tags);
      const client = new DynamoDBClient(clientConfig(account(), credentials));
      return openTable({ client, tableName: TABLE, clock: systemClock, random: systemRandom, tenantScoped: true }).get({
        pk: 't1',
        sk: 'x',
      });
    };
    const variable = `${arn}\${aws:PrincipalTag/table}`;
    expect(await reach('by-tag', variable, { table: TABLE })).toBeDefined();
    await expect(reach('by-other-tag', variable, { table: 'other' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(reach('by-no-tag', variable, {})).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const defaulted = `${arn}\${aws:PrincipalTag/table, '${TABLE}'}`;
    expect(await reach('by-default', defaulted, {})).toBeDefined();
  });

  test('aws:SecureTransport is true, so a statement that denies requests without TLS denies none', async () => {
    const deny: Statement = {
      Effect: 'Deny',
      Action: ['dynamodb:*'],
      Resource: ['*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    };
    const credentials = await assumeNewRole(account(), 'tls', [tenantStatement(), deny]);
    const client = new DynamoDBClient(clientConfig(account(), credentials));
    const table = openTable({ client, tableName: TABLE, clock: systemClock, random: systemRandom, tenantScoped: true });
    expect(await table.get({ pk: 't1', sk: 'x' })).toBeDefined();
  });
});
