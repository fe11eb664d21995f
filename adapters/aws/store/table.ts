import type { CancellationReason, DynamoDBClient, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import {
  type Condition,
  INDEXES,
  type IndexName,
  type Item,
  type Key,
  type ListedItem,
  type Query,
  type Table,
  type Write,
} from '../../../core/ports/table.ts';
import { checkKey, checkQuery, checkWrites, encodeData, keyOf } from '../../../core/ports/table-rules.ts';
import { type BackOff, backOffMs, chanceOf } from '../../../core/retry/back-off.ts';
import { pause } from '../../../core/time/wait.ts';
import { asDomainError } from './errors.ts';
import { type Attributes, sdkCalls, type TableCalls } from './table-calls.ts';
import { queryInput } from './table-query.ts';
import { EXPIRY, keyNames, TENANT_ATTRIBUTE } from './table-shape.ts';

export interface TableOptions {
  /** How the table calls DynamoDB. */
  readonly calls: TableCalls;
  /** A table as `tableShape` defines it. */
  readonly tableName: string;
  /** Decides which items have expired, and times retries. */
  readonly clock: Clock;
  readonly random: RandomBytes;
  /**
   * The credentials are one tenant's: keys outside their scope are ACCESS_DENIED, and items name the tenant in an attribute,
   * by which an index finds them. @default false - INTERNAL
   */
  readonly tenantScoped?: boolean;
}

/** Attempts at a transaction that conflicts with others. They take about 3 s; then it fails with UNAVAILABLE. */
const CONFLICT_ATTEMPTS = 9;
const CONFLICT_BACK_OFF: BackOff = { baseMs: 10, maxMs: 10_000 };

/** The Table port over a DynamoDB table, by a client of the SDK. */
export function openTable({
  client,
  ...options
}: Omit<TableOptions, 'calls'> & { readonly client: DynamoDBClient }): Table {
  return openTableWith({ ...options, calls: sdkCalls(client) });
}

/** The Table port over a DynamoDB table. Reads by key are strongly consistent; indexes are eventually consistent. */
export function openTableWith(options: TableOptions): Table {
  const { calls, tableName, clock } = options;
  const epochSeconds = (): number => Math.floor(clock.now() / 1000);

  return {
    async get<T extends object>(key: Key) {
      checkKey(key);
      const input = { TableName: tableName, Key: keyAttributes(key), ConsistentRead: true };
      const { Item } = await calls.getItem(input).catch(fail(options));
      return Item && isLive(Item, epochSeconds()) ? toItem<T>(Item) : undefined;
    },

    async query<T extends object>(query: Query) {
      checkQuery(query);
      const found = await collect(options, query, epochSeconds());
      const items = found.slice(0, query.limit).map((attributes) => toListed<T>(attributes));
      if (found.length <= query.limit) return { items };
      return { items, next: text(found[query.limit - 1], keyNames(query.index).sk) };
    },

    async transact(writes) {
      checkWrites(writes);
      const texts = encodeData(writes);
      if (writes.length === 0) return;
      const items = writes.map((write, i) => transactItem(options, write, texts[i] ?? '', epochSeconds()));
      await transactPastConflicts(options, items);
    },
  };
}

/** The live items in the query's range, in order: up to one more than its limit. */
async function collect(options: TableOptions, query: Query, epochSeconds: number): Promise<Attributes[]> {
  const request = queryInput(options.tableName, query);
  if (!request) return [];
  const { sk } = keyNames(query.index);
  const found: Attributes[] = [];
  for (let from: Attributes | undefined; ; ) {
    const page = await options.calls.query({ ...request.input, ExclusiveStartKey: from }).catch(fail(options));
    const items = (page.Items ?? []).filter((item) => isLive(item, epochSeconds));
    found.push(...items.filter((item) => !request.excluded.includes(text(item, sk))));
    from = page.LastEvaluatedKey;
    if (!from || found.length > query.limit) return found;
  }
}

/**
 * Writes in a transaction, even a single item: the request token makes the SDK's retry after a lost response harmless. A
 * repeated conditional PutItem would find its own item and fail.
 */
async function transactPastConflicts(options: TableOptions, items: TransactWriteItem[]): Promise<void> {
  const { calls, clock, random } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await calls.transactWriteItems({ TransactItems: items });
      return;
    } catch (error) {
      const reasons = reasonsOf(error);
      const failed = reasons.flatMap(({ Code }, i) => (Code === 'ConditionalCheckFailed' ? [i] : []));
      if (failed.length > 0) throw new ConditionFailed(failed);
      if (!reasons.some(({ Code }) => Code === 'TransactionConflict')) return fail(options)(error);
      if (attempt === CONFLICT_ATTEMPTS) {
        throw new DomainError('UNAVAILABLE', `transaction conflicted with others ${attempt} times in a row`, {
          cause: error,
        });
      }
      await pause(clock, backOffMs(attempt, CONFLICT_BACK_OFF, chanceOf(random)));
    }
  }
}

/** Why DynamoDB has cancelled a transaction: a reason per write. None for another error. */
function reasonsOf(error: unknown): readonly CancellationReason[] {
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException') return [];
  return (error as { readonly CancellationReasons?: readonly CancellationReason[] }).CancellationReasons ?? [];
}

function transactItem(options: TableOptions, write: Write, data: string, epochSeconds: number): TransactWriteItem {
  const { tableName, tenantScoped = false } = options;
  const condition = write.if === undefined ? {} : conditionOf(write.if, epochSeconds);
  if ('put' in write) {
    const Item = { ...itemAttributes(write.put, data), ...(tenantScoped && ownerOf(write.put)) };
    return { Put: { TableName: tableName, Item, ...condition } };
  }
  const target = { TableName: tableName, Key: keyAttributes(keyOf(write)) };
  if ('delete' in write) return { Delete: { ...target, ...condition } };
  return { ConditionCheck: { ...target, ...conditionOf(write.if, epochSeconds) } };
}

/** An expired item counts as absent, although DynamoDB may keep it for days. */
function conditionOf(condition: Condition, epochSeconds: number) {
  const live = 'attribute_exists(#pk) AND (attribute_not_exists(#expiry) OR #expiry > :now)';
  const names = { '#pk': 'pk', '#expiry': EXPIRY };
  const values: Attributes = { ':now': { N: String(epochSeconds) } };
  if (condition === 'absent' || condition === 'present') {
    return {
      ConditionExpression: condition === 'present' ? live : `NOT (${live})`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    };
  }
  return {
    ConditionExpression: `${live} AND #version = :version`,
    ExpressionAttributeNames: { ...names, '#version': 'version' },
    ExpressionAttributeValues: { ...values, ':version': { N: String(condition.version) } },
  };
}

function keyAttributes({ pk, sk }: Key): Attributes {
  return { pk: { S: pk }, sk: { S: sk } };
}

/** The tenant whose key the item has, so that the index by tenant finds it. */
function ownerOf({ pk }: Key): Attributes {
  return { [TENANT_ATTRIBUTE]: { S: pk.split('#', 1)[0] ?? pk } };
}

/** `data` is stored as JSON text: DynamoDB's own numbers and sets do not return every value as it was written. */
function itemAttributes(item: Item<object>, data: string): Attributes {
  const places = INDEXES.flatMap((index) => {
    const key = item.indexes?.[index];
    const names = keyNames(index);
    return key ? [[names.pk, { S: key.pk }] as const, [names.sk, { S: key.sk }] as const] : [];
  });
  return {
    ...keyAttributes(item),
    version: { N: String(item.version) },
    data: { S: data },
    ...Object.fromEntries(places),
    ...(item.expiresAt !== undefined && { [EXPIRY]: { N: String(item.expiresAt) } }),
  };
}

function isLive(attributes: Attributes, epochSeconds: number): boolean {
  const expiry = attributes[EXPIRY]?.N;
  return expiry === undefined || Number(expiry) > epochSeconds;
}

function toItem<T extends object>(attributes: Attributes): Item<T> {
  const places = INDEXES.flatMap((index): [IndexName, Key][] => {
    const names = keyNames(index);
    if (!attributes[names.pk]) return [];
    return [[index, { pk: text(attributes, names.pk), sk: text(attributes, names.sk) }]];
  });
  const item = toListed<T>(attributes);
  return places.length === 0 ? item : { ...item, indexes: Object.fromEntries(places) };
}

function toListed<T extends object>(attributes: Attributes): ListedItem<T> {
  const expiry = attributes[EXPIRY]?.N;
  return {
    pk: text(attributes, 'pk'),
    sk: text(attributes, 'sk'),
    version: Number(attributes.version?.N),
    data: JSON.parse(text(attributes, 'data')) as T,
    ...(expiry !== undefined && { expiresAt: Number(expiry) }),
  };
}

function text(attributes: Attributes | undefined, name: string): string {
  return attributes?.[name]?.S ?? '';
}

function fail({ tenantScoped = false }: TableOptions): (error: unknown) => never {
  return (cause) => {
    if (tenantScoped && cause instanceof Error && cause.name === 'AccessDeniedException') {
      throw new DomainError('ACCESS_DENIED', "the key must be the tenant's own", { cause });
    }
    throw asDomainError('DynamoDB', cause);
  };
}
