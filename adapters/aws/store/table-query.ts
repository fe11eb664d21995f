import type { AttributeValue, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Query } from '../../../core/ports/table.ts';
import { afterPrefix, compareUtf8 } from '../../../core/ports/table-rules.ts';
import { indexName, keyNames } from './table-shape.ts';

/** The part of a partition that a query reads, as the one sort key condition that DynamoDB allows. */
interface SortKeyRange {
  readonly condition?: string;
  readonly values: Readonly<Record<string, AttributeValue>>;
  /** The ends of a BETWEEN, which DynamoDB includes and the port excludes. */
  readonly excluded: readonly string[];
}

/** A query's request, with the sort keys to leave out of the result; undefined if no item can be in its range. */
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
      // One more item than the limit shows whether there is a next page.
      Limit: query.limit + range.excluded.length + 1,
    },
  };
}

/**
 * `after` becomes a condition, not an ExclusiveStartKey: for an index that would also need the item's own key, and
 * DynamoDB refuses a start key outside the prefix.
 */
function rangeOf({
  prefix,
  after,
  descending = false,
}: Pick<Query, 'prefix' | 'after' | 'descending'>): SortKeyRange | undefined {
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
