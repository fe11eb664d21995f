import { CfnDeletionPolicy } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { INDEXES } from '../../../core/ports/table.ts';
import { SERVICES, SERVICES_WITHOUT_TABLE } from '../../../tenant-templates/tiers.ts';

/** The services that have a table. */
export const SERVICES_WITH_TABLE: readonly string[] = SERVICES.filter((one) => !SERVICES_WITHOUT_TABLE.includes(one));

/** The name of each service's table: `<name>-<service>`. */
export function tableNames(name: string): Record<string, string> {
  return Object.fromEntries(SERVICES_WITH_TABLE.map((service) => [service, `${name}-${service}`]));
}

interface TableOptions {
  readonly tableName: string;
  /** Whether several tenants share it. Then it has an index by tenant, with keys only, and cannot be deleted by mistake. */
  readonly pooled: boolean;
  readonly policy: CfnDeletionPolicy;
}

const BY_TENANT = { attribute: 'tenant', index: 'index-tenant' };

/**
 * A service's table, in the shape that `tableShape` and `pooledTableShape` of adapters/aws/store describe. It remains when its
 * stack is deleted, and can be restored to any second of the last 35 days.
 */
export function serviceTable(scope: Construct, id: string, options: TableOptions): CfnTable {
  const { tableName, pooled, policy } = options;
  const keys = INDEXES.flatMap((index) => [`${index}pk`, `${index}sk`]);
  const names = ['pk', 'sk', ...keys, ...(pooled ? [BY_TENANT.attribute] : [])];
  const table = new CfnTable(scope, id, {
    ...{ tableName, billingMode: 'PAY_PER_REQUEST', keySchema: schema('pk', 'sk') },
    attributeDefinitions: names.map((attributeName) => ({ attributeName, attributeType: 'S' })),
    globalSecondaryIndexes: [
      ...INDEXES.map((index) => ({
        ...{ indexName: `index-${index}`, keySchema: schema(`${index}pk`, `${index}sk`) },
        projection: { projectionType: 'ALL' },
      })),
      ...(pooled
        ? [
            {
              ...{ indexName: BY_TENANT.index, keySchema: schema(BY_TENANT.attribute, 'pk') },
              projection: { projectionType: 'KEYS_ONLY' },
            },
          ]
        : []),
    ],
    timeToLiveSpecification: { attributeName: 'expiresAt', enabled: true },
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtectionEnabled: pooled,
  });
  table.cfnOptions.deletionPolicy = policy;
  table.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  return table;
}

function schema(hash: string, range: string): CfnTable.KeySchemaProperty[] {
  return [
    { attributeName: hash, keyType: 'HASH' },
    { attributeName: range, keyType: 'RANGE' },
  ];
}
