import type { CreateTableCommandInput, UpdateTimeToLiveCommandInput } from '@aws-sdk/client-dynamodb';
import { INDEXES, type IndexName } from '../../../core/ports/table.ts';

/** The attribute of DynamoDB's time to live, in epoch seconds. Deletion may be days late, so reads check it too. */
export const EXPIRY = 'expiresAt';

/** Names of the key attributes of the base table, or of one of its indexes. */
export function keyNames(index?: IndexName): { readonly pk: string; readonly sk: string } {
  return index ? { pk: `${index}pk`, sk: `${index}sk` } : { pk: 'pk', sk: 'sk' };
}

/** DynamoDB's name of an index. It needs at least three characters, so the port's own name is too short. */
export function indexName(index: IndexName): string {
  return `index-${index}`;
}

/** The table that openTable needs: one key, and five sparse indexes that hold whole items. */
export function tableShape(tableName: string): CreateTableCommandInput {
  const all = [undefined, ...INDEXES].map(keyNames);
  const schema = ({ pk, sk }: { pk: string; sk: string }) => [
    { AttributeName: pk, KeyType: 'HASH' as const },
    { AttributeName: sk, KeyType: 'RANGE' as const },
  ];
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: all
      .flatMap(({ pk, sk }) => [pk, sk])
      .map((name) => ({ AttributeName: name, AttributeType: 'S' as const })),
    KeySchema: schema(keyNames()),
    GlobalSecondaryIndexes: INDEXES.map((index) => ({
      IndexName: indexName(index),
      KeySchema: schema(keyNames(index)),
      Projection: { ProjectionType: 'ALL' as const },
    })),
  };
}

/** The tenant that an item of a pooled table belongs to. Only a table opened with `tenantScoped` writes it. */
export const TENANT_ATTRIBUTE = 'tenant';
/** The index by tenant, with keys only: DynamoDB cannot find partitions by a prefix of their key. */
export const TENANT_INDEX = 'index-tenant';

/** A table that several tenants share: as `tableShape`, with an index by tenant. */
export function pooledTableShape(tableName: string): CreateTableCommandInput {
  const { AttributeDefinitions = [], GlobalSecondaryIndexes = [], ...shape } = tableShape(tableName);
  return {
    ...shape,
    AttributeDefinitions: [...AttributeDefinitions, { AttributeName: TENANT_ATTRIBUTE, AttributeType: 'S' }],
    GlobalSecondaryIndexes: [
      ...GlobalSecondaryIndexes,
      {
        IndexName: TENANT_INDEX,
        KeySchema: [
          { AttributeName: TENANT_ATTRIBUTE, KeyType: 'HASH' },
          { AttributeName: 'pk', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  };
}

/** Enables the deletion of expired items. */
export function expiryOf(tableName: string): UpdateTimeToLiveCommandInput {
  return { TableName: tableName, TimeToLiveSpecification: { AttributeName: EXPIRY, Enabled: true } };
}
