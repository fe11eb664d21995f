import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DomainError } from '../../../core/errors.ts';

/**
 * Step n brings a file from store version n to n + 1. Only ever append: files in the field have run the earlier ones.
 * Text is compared as bytes (SQLite's BINARY collation over UTF-8), which is the order the Table port promises.
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
];

/** The store version this code reads and writes. */
export const STORE_VERSION = MIGRATIONS.length;

/** Files up to this size are checked through when opened for writing; it takes some 10 ms. */
const CHECKED_AT_OPEN_BYTES = 16 * 1024 * 1024;
/** How long SQLite itself blocks the process for another process's lock before we retry without blocking. */
const BLOCK_MS = 25;
const RETRY_MS = 5;
/** Most units of work in one commit, so that one group does not hold up the event loop for long. */
const MAX_GROUP = 512;

/** SQLite's primary result codes. @see https://sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

export interface DatabaseOptions {
  readonly file: string;
  /** Another process writes the file. @default false */
  readonly readOnly?: boolean;
  /** 'normal' may lose the last commits at a power failure (never at a crash), and does not corrupt. @default 'full' */
  readonly synchronous?: 'full' | 'normal';
  /** How long a write waits for another process's lock before it fails as UNAVAILABLE, in ms. @default 30000 */
  readonly lockTimeoutMs?: number;
}

interface Job {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly since: number;
  outcome?: { readonly value: unknown } | { readonly error: unknown };
}

/**
 * One SQLite file in WAL mode. Reads run at once on prepared statements; writes are gathered into one commit per turn of
 * the event loop, so that concurrent writers share one fsync.
 */
export class Database {
  readonly file: string;
  readonly readOnly: boolean;
  readonly #db: DatabaseSync;
  readonly #lockTimeoutMs: number;
  readonly #statements = new Map<string, StatementSync>();
  #queue: Job[] = [];
  #flushing = false;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  /** Throws CORRUPT for a damaged, foreign or newer file (which stays as it is), UNAVAILABLE if it cannot be opened. */
  constructor(options: DatabaseOptions) {
    this.file = options.file;
    this.readOnly = options.readOnly ?? false;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 30_000;
    this.#db = open(options);
  }

  /** The statement of this text, prepared once. Write `LIMIT ?+0`: a bare bound LIMIT is prepared anew at every call. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs a read and gives SQLite's errors our codes. */
  read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /**
   * Runs `work` in a transaction; resolves with what it returned once that is durable. If it throws, its own writes are
   * undone and no one else's. `work` is synchronous and may run again after a lock was lost, so it has no other effects.
   * Throws UNAVAILABLE if the lock cannot be had in time or the disk is full.
   */
  write<T>(work: () => T): Promise<T> {
    if (this.readOnly) return Promise.reject(new DomainError('INTERNAL', `${this.file} is open for reading only`));
    if (this.#closing) return Promise.reject(new DomainError('UNAVAILABLE', `${basename(this.file)} is closed`));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject, since: performance.now() });
      if (!this.#flushing) this.#schedule();
    });
  }

  /** A number that changes whenever another connection has committed: a cheap hint that what was read may be stale. */
  dataVersion(): number {
    return this.read(() => Number(this.statement('PRAGMA data_version').get()?.data_version));
  }

  /** Commits what is queued, then closes. Idempotent. */
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
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      const waited = performance.now() - (jobs[0]?.since ?? 0);
      if (isLock(error) && waited < this.#lockTimeoutMs) {
        this.#queue = [...jobs, ...this.#queue];
        // Not the injected clock: another process holds the lock, and it lives in real time.
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

  #commitTogether(jobs: readonly Job[]): void {
    this.statement('BEGIN IMMEDIATE').run();
    for (const job of jobs) {
      this.statement('SAVEPOINT job').run();
      try {
        job.outcome = { value: job.work() };
      } catch (error) {
        // SQLite itself gave the whole transaction up (disk full, I/O error, out of memory): so do we.
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

function open({ file, readOnly = false, synchronous = 'full' }: DatabaseOptions): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly, timeout: 5_000 });
    // Before the first write of any kind: a file that is not ours to read stays as it is.
    checkVersion(db, file, readOnly);
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY');
    if (!readOnly) {
      checkPages(db, file);
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA journal_size_limit = 67108864`);
      migrate(db);
      db.exec(`PRAGMA busy_timeout = ${BLOCK_MS}`);
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
      `${file} is of store version ${version}, this program knows up to ${STORE_VERSION}: use a newer Tierplane, or restore a backup; the file was not touched`,
    );
  }
  if (version > 0) return;
  if (db.prepare('SELECT name FROM sqlite_schema LIMIT 1').get()) {
    throw new DomainError('CORRUPT', `${file} is a database of another program: name another file; it was not touched`);
  }
  if (readOnly) throw new DomainError('UNAVAILABLE', `${file} has not been set up yet`);
}

function checkPages(db: DatabaseSync, file: string): void {
  if (statSync(file).size > CHECKED_AT_OPEN_BYTES) return;
  const result = String(db.prepare('PRAGMA quick_check(1)').get()?.quick_check);
  if (result !== 'ok') throw damaged(file, new Error(result));
}

/** Several processes may open a new file at the same moment: the version is read again under the lock. */
function migrate(db: DatabaseSync): void {
  if (versionOf(db) === STORE_VERSION) return;
  db.exec('BEGIN IMMEDIATE');
  for (const step of MIGRATIONS.slice(versionOf(db))) db.exec(step);
  db.exec(`PRAGMA user_version = ${STORE_VERSION}`);
  db.exec('COMMIT');
}

/** SQLite's primary result code, or undefined for an error that is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function isLock(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

function damaged(file: string, cause: unknown): DomainError {
  return new DomainError(
    'CORRUPT',
    `${file} is damaged and was left as it is: move it (with its -wal and -shm files) away and restore a backup, or try 'sqlite3 ${file} .recover'`,
    { cause },
  );
}

function translate(error: unknown, file: string): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  if (code === CORRUPT || code === NOT_A_DATABASE) return damaged(file, error);
  const reason = code === FULL ? 'the disk is full' : ((error as { errstr?: string }).errstr ?? 'SQLite failed');
  // These words may reach a client: which file, but not where it is.
  return new DomainError('UNAVAILABLE', `${basename(file)}: ${reason}`, { cause: error });
}
