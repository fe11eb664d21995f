import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { INDEXES } from '../core/ports/table.ts';

/**
 * A plane's table, in the shape that adapters/aws/store/table-shape.ts reads and writes. It remains when the stack
 * is deleted, can be restored to any second of the last 35 days, and its stream triggers the outbox publisher.
 */
export function platformTable(scope: Construct, id: string): Table {
  const text = (name: string) => ({ name, type: AttributeType.STRING });
  const table = new Table(scope, id, {
    partitionKey: text('pk'),
    sortKey: text('sk'),
    billingMode: BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: 'expiresAt',
    stream: StreamViewType.KEYS_ONLY,
    encryption: TableEncryption.DEFAULT,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const index of INDEXES) {
    table.addGlobalSecondaryIndex({
      indexName: `index-${index}`,
      partitionKey: text(`${index}pk`),
      sortKey: text(`${index}sk`),
    });
  }
  return table;
}

/** The ARNs of the table and of each index, without wildcards. */
export function tableArns(table: Table): string[] {
  return [table.tableArn, ...INDEXES.map((index) => `${table.tableArn}/index/index-${index}`)];
}
