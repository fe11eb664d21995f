import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';

/** An item, a key, or a start key, as DynamoDB writes it. */
export type Attributes = Record<string, AttributeValue>;

/**
 * The calls of DynamoDB that a table makes. They repeat what may succeed later, by the rules of the SDK, and throw errors
 * with the names that DynamoDB gives them.
 */
export interface TableCalls {
  getItem(input: GetItemCommandInput): Promise<{ readonly Item?: Attributes | undefined }>;
  query(
    input: QueryCommandInput,
  ): Promise<{ readonly Items?: Attributes[] | undefined; readonly LastEvaluatedKey?: Attributes | undefined }>;
  /** Idempotent for ten minutes with the same `ClientRequestToken`. Without one, each call gets one of its own. */
  transactWriteItems(input: TransactWriteItemsCommandInput): Promise<unknown>;
}

/** The calls by a client of the SDK. In a task that serves requests, `openSignedCalls` takes a third of the time. */
export function sdkCalls(client: DynamoDBClient): TableCalls {
  return {
    getItem: (input) => client.send(new GetItemCommand(input)),
    query: (input) => client.send(new QueryCommand(input)),
    transactWriteItems: (input) => client.send(new TransactWriteItemsCommand(input)),
  };
}
