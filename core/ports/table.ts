/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

declare const record: unique symbol;

/**
 * Where one item is stored. `T` is the type of its data: `table.get(tenantKey(id))` returns an `Item<TenantRecord>`.
 * The type exists at compile time only. Declare it where the key is made, and nowhere else.
 */
export interface Key<T extends object = object> {
  /** Partition key; 1..512 characters, no control characters. Tenant data: the tenant's id, or the id, '#' and more. */
  readonly pk: string;
  /** Sort key within the partition, ordered by UTF-8 bytes; 1..512 characters, no control characters, at most 1024 bytes. */
  readonly sk: string;
  readonly [record]?: T;
}

/** Secondary indexes an item may appear in; the same five exist on every table. */
export const INDEXES = ['g1', 'g2', 'g3', 'g4', 'g5'] as const;
export type IndexName = (typeof INDEXES)[number];

/** A partition of the table, or of one of its indexes, whose items all hold a `T`. */
export interface Partition<T extends object = object> {
  readonly pk: string;
  /** @default - the base table */
  readonly index?: IndexName;
  readonly [record]?: T;
}

export interface Item<T extends object = JsonObject> extends Key<T> {
  /** Set by the writer: 1 for a new item, the version read plus one for an update. */
  readonly version: number;
  /** Plain JSON, at most 350 KB (DynamoDB's 400 KB less keys and overhead). */
  readonly data: T;
  /** The item's place in each index. An index sk must be unique in its pk: end it with the item's id. */
  readonly indexes?: Partial<Record<IndexName, Key>>;
  /** Epoch seconds after which the item may be removed and is never returned. @default - kept forever */
  readonly expiresAt?: number;
}

/** `{ version: n }` holds if the stored item has version n. */
export type Condition = 'absent' | 'present' | { readonly version: number };

declare const checked: unique symbol;

export interface Put {
  readonly put: Item<object>;
  readonly if?: Condition;
  /** Only `put()` makes one, so that data that do not match the key's type do not compile. */
  readonly [checked]: true;
}

export type Write =
  | Put
  | { readonly delete: Key; readonly if?: Condition }
  | { readonly check: Key; readonly if: Condition };

/** A condition without a write. */
export type Check = Extract<Write, { readonly check: Key }>;

/** Creates or replaces an item. Its data must have the type of its key. @param condition @default - no condition */
export function put<T extends object>(
  item: Key<T> & Omit<Item<object>, 'data'> & { readonly data: NoInfer<T> },
  condition?: Condition,
): Put {
  const write = { put: item, ...(condition !== undefined && { if: condition }) };
  return write as Omit<Put, typeof checked> as Put;
}

export interface Query<T extends object = object> extends Partition<T> {
  /** Only sort keys that begin with this. @default - all */
  readonly prefix?: string;
  /** Exclusive start: the `next` of the page before. @default - from the beginning */
  readonly after?: string;
  /** 1..1000 */
  readonly limit: number;
  /** @default false - ascending */
  readonly descending?: boolean;
}

/** An item of a page. It lacks the item's places in the indexes, which few callers need and which cost time per row. */
export type ListedItem<T extends object = JsonObject> = Omit<Item<T>, 'indexes'>;

export interface Page<T extends object = JsonObject> {
  readonly items: readonly ListedItem<T>[];
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * The port to stored data: the control plane's records, the application plane's placements and the tenants' items.
 * Embedded: SQLite. AWS: DynamoDB. Both pass test/adapters/contract/table.suite.ts.
 */
export interface Table {
  /** The item as last committed, or undefined if absent or expired. */
  get<T extends object = JsonObject>(key: Key<T>): Promise<Item<T> | undefined>;
  /** Items of one partition in order of sort key. An unknown partition is an empty page. */
  query<T extends object = JsonObject>(query: Query<T>): Promise<Page<T>>;
  /**
   * Commits all writes or none; durable when it resolves. At most 100 writes and 4 MB, each key at most once; an empty
   * list does nothing. Idempotent only if the conditions make it so.
   * Throws ConditionFailed if a condition does not hold, INVALID or TOO_LARGE beyond a limit (core/ports/table-rules.ts),
   * UNAVAILABLE if a retry may help.
   */
  transact(writes: readonly Write[]): Promise<void>;
}
