import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { ConditionFailed } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import {
  type Condition,
  INDEXES,
  type IndexName,
  type Item,
  type Key,
  type ListedItem,
  type Page,
  type Query,
  type Table,
  type Write,
} from '../../../core/ports/table.ts';
import {
  afterPrefix,
  checkKey,
  checkQuery,
  checkWrites,
  compareUtf8,
  encodeData,
  keyOf,
} from '../../../core/ports/table-rules.ts';
import { repeat } from '../../../core/time/repeat.ts';
import { Database, type DatabaseOptions } from './database.ts';

export interface TableOptions extends DatabaseOptions {
  /** Decides which items have expired, and schedules the sweep. */
  readonly clock: Clock;
}

/** The Table port over one SQLite file, with what only the embedded home offers. */
export interface SqliteTable extends Table {
  /** The open file, which openEventBus shares. */
  readonly database: Database;
  /** Calls `listener` after each transaction that this handle commits, with the partitions it wrote to. */
  onCommit(listener: (pks: readonly string[]) => void): void;
  /**
   * Deletes every item of partition `pk` and of all partitions that begin with `pk#`, including expired ones, in bounded
   * batches, and their remains in the write-ahead log. Idempotent. @returns the number of deleted items
   */
  deletePartitions(pk: string): Promise<number>;
  /** Whether partition `pk`, or one that begins with `pk#`, holds any item, including expired ones. */
  hasPartitions(pk: string): boolean;
  /** A number that changes when another process has committed, so earlier reads may be stale. Cheap. */
  dataVersion(): number;
  /** Commits what is queued and closes the file. Idempotent. */
  close(): Promise<void>;
}

/** An item's columns, in the order they were selected. */
type Row = readonly SQLOutputValue[];

const SWEEP_MS = 60_000;
/** Rows deleted in one commit. */
const BATCH = 500;

/** The columns that a page needs, besides the partition. */
const LISTED = ['sk', 'version', 'data', 'expires_at'];
const COLUMNS = [...LISTED, 'pk', ...INDEXES.flatMap((name) => [`${name}pk`, `${name}sk`])];
const LIVE = '(expires_at IS NULL OR expires_at > ?)';
const GET = `SELECT ${COLUMNS.join(', ')} FROM items WHERE pk = ? AND sk = ? AND ${LIVE}`;
const GET_VERSION = `SELECT version FROM items WHERE pk = ? AND sk = ? AND ${LIVE}`;
const PUT = `INSERT INTO items (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (pk, sk) DO UPDATE SET ${COLUMNS.filter((column) => column !== 'pk' && column !== 'sk')
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;
const DELETE = 'DELETE FROM items WHERE pk = ? AND sk = ?';
const DELETE_EXPIRED = `DELETE FROM items WHERE (pk, sk) IN (SELECT pk, sk FROM items WHERE expires_at <= ? LIMIT ${BATCH})`;
// '$' is the character after '#'.
const UNDER = `pk = ?1 OR (pk >= ?1 || '#' AND pk < ?1 || '$')`;
const DELETE_UNDER = `DELETE FROM items WHERE (pk, sk) IN (SELECT pk, sk FROM items WHERE ${UNDER} LIMIT ${BATCH})`;
const ANY_UNDER = `SELECT 1 FROM items WHERE ${UNDER} LIMIT 1`;

/**
 * Opens a store, and creates it if it does not exist (unless `readOnly`). Several processes may open and write the same
 * file. Throws CORRUPT for a damaged file, a file of another program or of a newer Tierplane, and leaves it unchanged.
 * Throws UNAVAILABLE if the file cannot be opened.
 */
export function openTable({ clock, ...options }: TableOptions): SqliteTable {
  const database = new Database(options);
  const listeners: ((pks: readonly string[]) => void)[] = [];
  const epochSeconds = (): number => Math.floor(clock.now() / 1000);

  // Reads never return expired items. The sweep only frees their space, so a failed one is left to the next.
  const sweep = database.readOnly ? undefined : repeat(clock, SWEEP_MS, () => deleteExpired(database, epochSeconds()));

  return {
    database,

    async get<T extends object>(key: Key) {
      checkKey(key);
      const [row] = database.read(() => rowsOf(database, GET, key.pk, key.sk, epochSeconds()));
      return row && toItem<T>(row);
    },

    async query<T extends object>(query: Query) {
      checkQuery(query);
      return database.read(() => runQuery<T>(database, query, epochSeconds()));
    },

    async transact(writes) {
      checkWrites(writes);
      const texts = encodeData(writes);
      if (writes.length === 0) return;
      await database.write(() => applyWrites(database, writes, texts, epochSeconds()));
      if (listeners.length === 0) return;
      const pks = writes.filter((write) => !('check' in write)).map((write) => keyOf(write).pk);
      for (const listener of listeners) listener(pks);
    },

    onCommit(listener) {
      listeners.push(listener);
    },

    async deletePartitions(pk) {
      checkKey({ pk, sk: '-' });
      const deleted = await deleteInBatches(database, DELETE_UNDER, pk);
      await database.emptyLog();
      return deleted;
    },

    hasPartitions(pk) {
      return database.read(() => database.statement(ANY_UNDER).get(pk)) !== undefined;
    },

    dataVersion: () => database.dataVersion(),

    async close() {
      await sweep?.close();
      await database.close();
    },
  };
}

/** Applies a transaction: first every condition, so that the error names all that fail, then every write. */
function applyWrites(
  database: Database,
  writes: readonly Write[],
  texts: readonly (string | undefined)[],
  now: number,
): void {
  const failed = writes.flatMap((write, i) => {
    if (write.if === undefined) return [];
    const { pk, sk } = keyOf(write);
    return holds(write.if, database.statement(GET_VERSION).get(pk, sk, now)) ? [] : [i];
  });
  if (failed.length > 0) throw new ConditionFailed(failed);
  writes.forEach((write, i) => {
    if ('put' in write) put(database, write.put, texts[i] ?? '');
    else if ('delete' in write) database.statement(DELETE).run(write.delete.pk, write.delete.sk);
  });
}

function holds(condition: Condition, stored: Record<string, SQLOutputValue> | undefined): boolean {
  if (condition === 'absent') return stored === undefined;
  if (condition === 'present') return stored !== undefined;
  return stored?.version === condition.version;
}

function put(database: Database, item: Item<object>, text: string): void {
  const places = INDEXES.flatMap((name) => {
    const key = item.indexes?.[name];
    return [key?.pk ?? null, key?.sk ?? null];
  });
  database.statement(PUT).run(item.sk, item.version, text, item.expiresAt ?? null, item.pk, ...places);
}

function runQuery<T extends object>(database: Database, query: Query, now: number): Page<T> {
  const [pk, sk] = query.index ? [`${query.index}pk`, `${query.index}sk`] : ['pk', 'sk'];
  const bounds = boundsOf(query);
  // A query of an index also needs the item's own partition, and its sort key in the index.
  const columns = query.index ? [...LISTED, 'pk', sk] : LISTED;
  const sql = `SELECT ${columns.join(', ')} FROM items
    WHERE ${pk} = ? ${bounds.map(({ operator }) => `AND ${sk} ${operator} ?`).join(' ')}
    AND ${LIVE} ORDER BY ${sk} ${query.descending ? 'DESC' : 'ASC'} LIMIT ?+0`;
  const values = bounds.map(({ value }) => value);
  // One more row than the limit shows whether there is a next page.
  const rows = rowsOf(database, sql, query.pk, ...values, now, query.limit + 1);
  const items = rows.slice(0, query.limit).map((row) => toListed<T>(row, query.pk));
  if (rows.length <= query.limit) return { items };
  return { items, next: String(rows[query.limit - 1]?.[columns.lastIndexOf(sk)]) };
}

interface Bound {
  readonly operator: '>' | '>=' | '<' | '<=';
  readonly value: string;
}

/**
 * At most one bound at each end: with two at the same end SQLite seeks by one and filters by the other, and deep paging
 * becomes quadratic.
 */
function boundsOf({ prefix, after, descending }: Query): Bound[] {
  const lowest: Bound[] = prefix ? [{ operator: '>=', value: prefix }] : [];
  const end = prefix && afterPrefix(prefix);
  const highest: Bound[] = end ? [{ operator: '<', value: end }] : [];
  if (after === undefined) return [...lowest, ...highest];
  if (descending)
    return [
      ...lowest,
      end && compareUtf8(end, after) < 0 ? { operator: '<', value: end } : { operator: '<', value: after },
    ];
  return [
    prefix && compareUtf8(after, prefix) < 0 ? { operator: '>=', value: prefix } : { operator: '>', value: after },
    ...highest,
  ];
}

/** Rows as arrays: objects with named columns take 1.5 times as long. */
function rowsOf(database: Database, sql: string, ...values: SQLInputValue[]): Row[] {
  const statement = database.statement(sql);
  statement.setReturnArrays(true);
  return statement.all(...values) as unknown as Row[];
}

/** Reads the columns in LISTED, and the partition if the query selected it. */
function toListed<T extends object>(row: Row, queried?: string): ListedItem<T> {
  const [sk, version, data, expiresAt, pk = queried] = row;
  const item = { pk: String(pk), sk: String(sk), version: Number(version), data: JSON.parse(String(data)) as T };
  return expiresAt === null ? item : { ...item, expiresAt: Number(expiresAt) };
}

function toItem<T extends object>(row: Row): Item<T> {
  const places = INDEXES.flatMap((name, i): [IndexName, Key][] => {
    const [pk, sk] = row.slice(LISTED.length + 1 + 2 * i);
    return pk === null ? [] : [[name, { pk: String(pk), sk: String(sk) }]];
  });
  const item = toListed<T>(row);
  return places.length === 0 ? item : { ...item, indexes: Object.fromEntries(places) };
}

async function deleteExpired(database: Database, epochSeconds: number): Promise<void> {
  await deleteInBatches(database, DELETE_EXPIRED, epochSeconds).catch(() => undefined);
}

/** Deletes the rows that `sql` selects, in one commit per batch, so that other writers can commit in between. */
async function deleteInBatches(database: Database, sql: string, argument: string | number): Promise<number> {
  let total = 0;
  for (;;) {
    const deleted = await database.write(() => Number(database.statement(sql).run(argument).changes));
    total += deleted;
    if (deleted < BATCH) return total;
  }
}
