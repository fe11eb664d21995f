import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { allCells, type Cell, type DataCall, type DataSession, partitionOf } from '../infra/iam/data-calls.ts';

type Key = Readonly<Record<string, { readonly S: string }>>;
type Call = (client: DynamoDBClient, TableName: string, pk: string | undefined) => Promise<unknown>;

/** Sends each call with the partition that it names. Without one, the request has no key, and is not valid. */
const CALLS: Readonly<Record<DataCall, Call>> = {
  GetItem: (client, TableName, pk) => client.send(new GetItemCommand({ TableName, Key: keyOf(pk) })),
  BatchGetItem: (client, TableName, pk) =>
    client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [keyOf(pk)] } } })),
  Query: (client, TableName, pk) => client.send(new QueryCommand({ TableName, ...where('pk', pk) })),
  'Query of an index': (client, TableName, pk) =>
    client.send(new QueryCommand({ TableName, IndexName: 'index-g1', ...where('g1pk', pk) })),
  'Query of the index by tenant': (client, TableName, pk) =>
    client.send(new QueryCommand({ TableName, IndexName: 'index-tenant', ...where('tenant', pk) })),
  PutItem: (client, TableName, pk) => client.send(new PutItemCommand({ TableName, Item: keyOf(pk) })),
  UpdateItem: (client, TableName, pk) => client.send(new UpdateItemCommand({ TableName, Key: keyOf(pk), ...UPDATE })),
  DeleteItem: (client, TableName, pk) => client.send(new DeleteItemCommand({ TableName, Key: keyOf(pk) })),
  BatchWriteItem: (client, TableName, pk) =>
    client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item: keyOf(pk) } }] } })),
  'TransactWriteItems with a Put': (client, TableName, pk) =>
    client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item: keyOf(pk) } }] })),
  'TransactWriteItems with an Update': (client, TableName, pk) =>
    client.send(
      new TransactWriteItemsCommand({ TransactItems: [{ Update: { TableName, Key: keyOf(pk), ...UPDATE } }] }),
    ),
  'TransactWriteItems with a Delete': (client, TableName, pk) =>
    client.send(new TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName, Key: keyOf(pk) } }] })),
  'TransactWriteItems with a ConditionCheck': (client, TableName, pk) => {
    const ConditionExpression = 'attribute_not_exists(nothing)';
    const check = { TableName, Key: keyOf(pk), ConditionExpression };
    return client.send(new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: check }] }));
  },
  TransactGetItems: (client, TableName, pk) =>
    client.send(new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key: keyOf(pk) } }] })),
  Scan: (client, TableName, pk) => client.send(new ScanCommand({ TableName, ...filter(pk) })),
  'Scan of an index': (client, TableName, pk) =>
    client.send(new ScanCommand({ TableName, IndexName: 'index-g1', ...filter(pk) })),
  'PartiQL SELECT': (client, table, pk) => execute(client, `SELECT * FROM "${table}"`, pk),
  'PartiQL INSERT': (client, table, pk) =>
    client.send(
      new ExecuteStatementCommand({ Statement: `INSERT INTO "${table}" VALUE {'pk':'${pk ?? ''}','sk':'x'}` }),
    ),
  'PartiQL UPDATE': (client, table, pk) => execute(client, `UPDATE "${table}" SET a='b'`, pk),
  'PartiQL DELETE': (client, table, pk) => execute(client, `DELETE FROM "${table}"`, pk),
};

const UPDATE = { UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': { S: 'b' } } };

function keyOf(pk: string | undefined): Key {
  return pk === undefined ? {} : { pk: { S: pk }, sk: { S: 'x' } };
}

function where(name: string, pk: string | undefined) {
  if (pk === undefined) return {};
  return { KeyConditionExpression: `${name} = :pk`, ExpressionAttributeValues: { ':pk': { S: pk } } };
}

function filter(pk: string | undefined) {
  return pk === undefined ? {} : { FilterExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: pk } } };
}

function execute(client: DynamoDBClient, statement: string, pk: string | undefined): Promise<unknown> {
  const Statement = pk === undefined ? statement : `${statement} WHERE pk='${pk}' AND sk='x'`;
  return client.send(new ExecuteStatementCommand({ Statement }));
}

/** What is called, and whose keys. */
export interface CalledTable extends Pick<DataSession, 'tenantId' | 'otherTenant' | 'kinds'> {
  readonly tableName: string;
}

/**
 * Makes every call with every kind of key.
 * @returns the cells that the account allows, in the order of `allCells`
 * @throws the error of a call with a key that fails for another reason than a missing permission
 */
export async function calledCells(client: DynamoDBClient, table: CalledTable): Promise<Cell[]> {
  const { tableName, tenantId, otherTenant, kinds } = table;
  const allowed: Cell[] = [];
  for (const { cell, call, kind } of allCells(kinds)) {
    const pk = partitionOf(kind, tenantId, otherTenant);
    try {
      await CALLS[call](client, tableName, pk);
      allowed.push(cell);
    } catch (error) {
      if (isDenied(error)) continue;
      // IAM allowed a request that is not valid.
      if (pk !== undefined) throw error;
      allowed.push(cell);
    }
  }
  return allowed;
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && error.name === 'AccessDeniedException';
}
