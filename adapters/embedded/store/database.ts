import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { DomainError } from '../../../core/errors.ts';
import { damaged, isLock, translate } from './sqlite-errors.ts';

/**
 * Step n migrates a file from store version n to n + 1. Only append steps: existing files have run the earlier ones.
 * Text compares as bytes (SQLite's BINARY collation over UTF-8), which is the order that the Table port defines.
 */
const MIGRATIONS = [
  `CREATE TABLE items (
     pk TEXT NOT NULL, sk TEXT NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, expires_at INTEGER,
     g1pk TEXT, g1sk TEXT, g2pk TEXT, g2sk TEXT, g3pk TEXT, g3sk TEXT, g4pk TEXT, g4sk TEXT, g5pk TEXT, g5sk TEXT,
     PRIMARY KEY (pk, sk)
   ) WITHOUT ROWID;
   CREATE INDEX items_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;
   CREATE INDEX items_g1 ON items (g1pk, g1sk) WHERE g1pk IS NOT NULL;
   CREATE INDEX items_g2 ON items (g2pk, g2sk) WHERE g2pk IS NOT NULL;
   CREATE INDEX items_g3 ON items (g3pk, g3sk) WHERE g3pk IS NOT NULL;
   CREATE INDEX items_g4 ON items (g4pk, g4sk) WHERE g4pk IS NOT NULL;
   CREATE INDEX items_g5 ON items (g5pk, g5sk) WHERE g5pk IS NOT NULL;

   CREATE TABLE events (
     id TEXT NOT NULL PRIMARY KEY, detail_type TEXT NOT NULL, event TEXT NOT NULL, published_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX events_published ON events (published_at);
   CREATE TABLE subscriptions (
     consumer TEXT NOT NULL, detail_type TEXT NOT NULL, PRIMARY KEY (consumer, detail_type)
   ) WITHOUT ROWID;
   CREATE TABLE deliveries (
     consumer TEXT NOT NULL, event_id TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL,
     PRIMARY KEY (consumer, event_id)
   ) WITHOUT ROWID;
   CREATE INDEX deliveries_due ON deliveries (consumer, due_at, event_id);
   CREATE INDEX deliveries_event ON deliveries (event_id);
   CREATE TABLE dead_letters (
     consumer TEXT NOT NULL, event_id TEXT NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL,
     failed_at INTEGER NOT NULL, PRIMARY KEY (consumer, event_id)
   ) WITHOUT ROWID;
   CREATE INDEX dead_letters_event ON dead_letters (event_id);`,
  "CREATE INDEX events_tenant ON events (json_extract(event, '$.detail.tenantId'))",
];

/** The store version that this code reads and writes. */
export const STORE_VERSION = MIGRATIONS.length;

/** Files up to this size are checked completely when they are opened for writing. It takes about 10 ms. */
const CHECKED_AT_OPEN_BYTES = 16 * 1024 * 1024;
/** The name of a store that is kept in memory and ends with its process. */
export const IN_MEMORY = ':memory:';
/** How long opening a file may block this process while another one holds the lock. */
const OPEN_BLOCK_MS = 5_000;
/** The same for the first attempt of a write. Retries do not block. */
const BLOCK_MS = 25;
const RETRY_MS = 5;
const MAX_LOG_ATTEMPTS = 20;
/** Most writes in one commit, so that a group does not block the event loop for long. */
const MAX_GROUP = 512;

export interface DatabaseOptions {
  readonly file: string;
  /** Only reads; another process writes the file. @default false */
  readonly readOnly?: boolean;
  /** 'normal' may lose the last commits in a power failure, but not in a crash, and never corrupts. @default 'full' */
  readonly synchronous?: 'full' | 'normal';
  /** How long a write waits for another process's lock before it fails with UNAVAILABLE, in ms. @default 30000 */
  readonly lockTimeoutMs?: number;
  /** How long a lock may block this process, in ms. With 0, opening a locked file fails at once. @default - 5000 to open, 25 to write */
  readonly blockMs?: number;
}

interface Job {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly since: number;
  outcome?: { readonly value: unknown } | { readonly error: unknown };
}

/**
 * One SQLite file in WAL mode. Reads run at once on prepared statements. Writes of one turn of the event loop share one
 * commit, and so one fsync.
 */
export class Database {
  readonly file: string;
  readonly readOnly: boolean;
  readonly #db: DatabaseSync;
  readonly #lockTimeoutMs: number;
  readonly #blockMs: number;
  /** A write waits for the lock, without blocking. */
  #waiting = false;
  readonly #statements = new Map<string, StatementSync>();
  #queue: Job[] = [];
  #flushing = false;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  /**
   * Throws CORRUPT for a damaged file, a file of another program or of a newer Tierplane, and leaves it unchanged. Throws
   * UNAVAILABLE if the file cannot be opened.
   */
  constructor(options: DatabaseOptions) {
    this.file = options.file;
    this.readOnly = options.readOnly ?? false;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 30_000;
    this.#blockMs = options.blockMs ?? BLOCK_MS;
    this.#db = open(options);
  }

  /** The prepared statement of `sql`. Write `LIMIT ?+0`: SQLite prepares a plain bound LIMIT again at every call. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs a read. Throws SQLite's errors as DomainError. */
  read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /**
   * Runs `work` in a transaction. Resolves with its result when that is durable. If `work` throws, only its own writes are
   * rolled back. `work` is synchronous, and must have no effects outside the database, because it may run again after a
   * lost lock. Throws UNAVAILABLE if the lock is not free in time, or if the disk is full.
   */
  write<T>(work: () => T): Promise<T> {
    if (this.readOnly)
      return Promise.reject(new DomainError('INTERNAL', `${this.file} must be open for writing, but it is read-only`));
    if (this.#closing) return Promise.reject(new DomainError('UNAVAILABLE', `${basename(this.file)} is closed`));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject, since: performance.now() });
      if (!this.#flushing) this.#schedule();
    });
  }

  /**
   * Copies the write-ahead log into the file and empties it, so that deleted content does not outlive its deletion there.
   * Gives up if other connections keep reading; then a later call empties the log, or the last connection that closes.
   */
  async emptyLog(): Promise<void> {
    for (let attempts = 0; attempts < MAX_LOG_ATTEMPTS; attempts++) {
      const outcome = this.read(() => this.statement('PRAGMA wal_checkpoint(TRUNCATE)').get());
      if (outcome?.busy === 0) return;
      await wait(RETRY_MS);
    }
  }

  /** A number that changes when another connection has committed, so earlier reads may be stale. Cheap. */
  dataVersion(): number {
    return this.read(() => Number(this.statement('PRAGMA data_version').get()?.data_version));
  }

  /** Commits the queued writes, then closes the file. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#drained = resolve;
      if (!this.#flushing) resolve();
    }).then(() => {
      this.#statements.clear();
      this.#db.close();
    });
    return this.#closing;
  }

  #schedule(): void {
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const jobs = this.#queue.splice(0, MAX_GROUP);
    try {
      this.#commitTogether(jobs);
      this.#block(true);
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      const waited = performance.now() - (jobs[0]?.since ?? 0);
      if (isLock(error) && waited < this.#lockTimeoutMs) {
        this.#queue = [...jobs, ...this.#queue];
        this.#block(false);
        // Real time, not the injected clock: another process holds the lock.
        setTimeout(() => this.#flush(), RETRY_MS);
        return;
      }
      const translated = this.#translate(error);
      for (const job of jobs) job.outcome = { error: translated };
    }
    for (const { outcome, resolve, reject } of jobs) {
      if (outcome && 'value' in outcome) resolve(outcome.value as never);
      else reject(outcome?.error);
    }
    if (this.#queue.length > 0) {
      this.#schedule();
    } else {
      this.#flushing = false;
      this.#drained?.();
    }
  }

  /** While a write waits for the lock, attempts must not block: they would take most of the time. */
  #block(mayBlock: boolean): void {
    if (this.#waiting !== mayBlock) return;
    this.#waiting = !mayBlock;
    this.#db.exec(`PRAGMA busy_timeout = ${mayBlock ? this.#blockMs : 0}`);
  }

  #commitTogether(jobs: readonly Job[]): void {
    this.statement('BEGIN IMMEDIATE').run();
    for (const job of jobs) {
      this.statement('SAVEPOINT job').run();
      try {
        job.outcome = { value: job.work() };
      } catch (error) {
        // SQLite has rolled back the whole transaction (disk full, I/O error, out of memory).
        if (!this.#db.isTransaction || isLock(error)) throw error;
        this.statement('ROLLBACK TO job').run();
        job.outcome = { error: this.#translate(error) };
      }
      this.statement('RELEASE job').run();
    }
    this.statement('COMMIT').run();
  }

  #translate(error: unknown): unknown {
    return translate(error, this.file);
  }
}

function open({ file, readOnly = false, synchronous = 'full', blockMs }: DatabaseOptions): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly, timeout: blockMs ?? OPEN_BLOCK_MS });
    // Before any write, so that a file of another program or version stays unchanged.
    checkVersion(db, file, readOnly);
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY');
    // Deleted content is overwritten with zeros.
    db.exec('PRAGMA secure_delete = ON');
    if (!readOnly) {
      checkPages(db, file);
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA journal_size_limit = 67108864`);
      migrate(db);
      db.exec(`PRAGMA busy_timeout = ${blockMs ?? BLOCK_MS}`);
    }
    return db;
  } catch (error) {
    db?.close();
    throw translate(error, file);
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

function checkVersion(db: DatabaseSync, file: string, readOnly: boolean): void {
  const version = versionOf(db);
  if (version > STORE_VERSION) {
    throw new DomainError(
      'CORRUPT',
      `${file} must have store version ${STORE_VERSION} or lower, got ${version}; use a newer Tierplane, or restore a backup. The file was not changed`,
    );
  }
  if (version > 0) return;
  if (db.prepare('SELECT name FROM sqlite_schema LIMIT 1').get()) {
    throw new DomainError(
      'CORRUPT',
      `${file} must be a Tierplane store, but it is the database of another program; choose another file. It was not changed`,
    );
  }
  if (readOnly) throw new DomainError('UNAVAILABLE', `${file} does not hold a store yet`);
}

function checkPages(db: DatabaseSync, file: string): void {
  if (file === IN_MEMORY || statSync(file).size > CHECKED_AT_OPEN_BYTES) return;
  const result = String(db.prepare('PRAGMA quick_check(1)').get()?.quick_check);
  if (result !== 'ok') throw damaged(file, new Error(result));
}

/** Several processes may open a new file at the same time, so the version is read again under the lock. */
function migrate(db: DatabaseSync): void {
  if (versionOf(db) === STORE_VERSION) return;
  db.exec('BEGIN IMMEDIATE');
  for (const step of MIGRATIONS.slice(versionOf(db))) db.exec(step);
  db.exec(`PRAGMA user_version = ${STORE_VERSION}`);
  db.exec('COMMIT');
}
