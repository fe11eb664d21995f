import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Key } from '../../../core/ports/table.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import { throwAs } from '../store/errors.ts';
import { TENANT_ATTRIBUTE, TENANT_INDEX } from '../store/table-shape.ts';
import type { Stacks } from './stacks.ts';

/** Where tenants' data are. */
export interface DataPlaces {
  readonly stacks: Pick<Stacks, 'find'>;
  readonly dynamo: DynamoDBClient;
  /** Stacks with the tables of one tenant are called `<prefix>-silo-data-<tenant id>`. */
  readonly prefix: string;
  /** Names of the pooled tables. Each has the shape of `pooledTableShape`. */
  readonly pooledTables: readonly string[];
}

/** Whether the tenant has tables of its own, or items in a pooled one. Throws INVALID. */
export async function hasData(
  tenantId: string,
  { stacks, dynamo, prefix, pooledTables }: DataPlaces,
): Promise<boolean> {
  if (await stacks.find(dataStackName(prefix, tenantId))) return true;
  for (const table of pooledTables) {
    if ((await pooledKeys(dynamo, { table, tenantId, limit: 1 })).length > 0) return true;
  }
  return false;
}

/** The name of the stack with a tenant's own tables. Throws INVALID. */
export function dataStackName(prefix: string, tenantId: string): string {
  requireTenantId(tenantId);
  return `${prefix}-silo-data-${tenantId}`;
}

/** Keys of up to `limit` items of the tenant in a pooled table, by the index that has keys only. */
export async function pooledKeys(
  dynamo: DynamoDBClient,
  { table, tenantId, limit }: { readonly table: string; readonly tenantId: string; readonly limit: number },
): Promise<readonly Key[]> {
  const command = new QueryCommand({
    ...{ TableName: table, IndexName: TENANT_INDEX, Limit: limit },
    KeyConditionExpression: '#tenant = :tenant',
    ExpressionAttributeNames: { '#tenant': TENANT_ATTRIBUTE },
    ExpressionAttributeValues: { ':tenant': { S: tenantId } },
  });
  const { Items = [] } = await dynamo.send(command).catch(throwAs('DynamoDB'));
  return Items.map(({ pk, sk }) => ({ pk: pk?.S ?? '', sk: sk?.S ?? '' }));
}
