import type { AttributeValue, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Query } from '../../../core/ports/table.ts';
import { afterPrefix } from '../../../core/ports/table-rules.ts';
import { indexName, keyNames } from './table-shape.ts';

/** What of a partition a query is about, as the one condition on the sort key that DynamoDB takes. */
interface Range {
  readonly condition?: string;
  readonly values: Readonly<Record<string, AttributeValue>>;
  /** Ends of a BETWEEN, which DynamoDB counts in and the port does not. */
  readonly excluded: readonly string[];
}

/** The request of a query, and the sort keys to leave out of its answer; undefined where no item can be in its range. */
export function queryInput(
  tableName: string,
  query: Query,
): { readonly input: QueryCommandInput; readonly excluded: readonly string[] } | undefined {
  const range = rangeOf(query);
  if (!range) return undefined;
  const { pk, sk } = keyNames(query.index);
  return {
    excluded: range.excluded,
    input: {
      TableName: tableName,
      ...(query.index ? { IndexName: indexName(query.index) } : { ConsistentRead: true }),
      KeyConditionExpression: range.condition ? `#pk = :pk AND ${range.condition}` : '#pk = :pk',
      ExpressionAttributeNames: { '#pk': pk, ...(range.condition && { '#sk': sk }) },
      ExpressionAttributeValues: { ':pk': { S: query.pk }, ...range.values },
      ScanIndexForward: !query.descending,
      // One more than asked for tells whether there is a next page.
      Limit: query.limit + range.excluded.length + 1,
    },
  };
}

/**
 * `after` is a condition and not an ExclusiveStartKey: of an index that would have to name the item's own key too, and
 * DynamoDB refuses one outside the prefix.
 */
function rangeOf({
  prefix,
  after,
  descending = false,
}: Pick<Query, 'prefix' | 'after' | 'descending'>): Range | undefined {
  if (after === undefined) {
    if (!prefix) return { values: {}, excluded: [] };
    return { condition: 'begins_with(#sk, :prefix)', values: { ':prefix': { S: prefix } }, excluded: [] };
  }
  if (!prefix) {
    return { condition: `#sk ${descending ? '<' : '>'} :after`, values: { ':after': { S: after } }, excluded: [] };
  }
  const end = afterPrefix(prefix);
  const beforeAll = compareUtf8(after, prefix) < 0;
  const behindAll = end !== undefined && compareUtf8(after, end) >= 0;
  if (descending ? beforeAll : behindAll) return undefined;
  if (descending ? behindAll : beforeAll) return rangeOf({ prefix, descending });
  const [low, high] = descending ? [prefix, after] : [after, end];
  if (high === undefined) return rangeOf({ after, descending });
  return {
    condition: '#sk BETWEEN :low AND :high',
    values: { ':low': { S: low }, ':high': { S: high } },
    excluded: [after, high],
  };
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
