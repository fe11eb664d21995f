import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MAX_RUN_DIR_BYTES } from '../adapters/embedded/runtime/supervisor/socket-path.ts';
import { DomainError } from '../core/errors.ts';

/** The paths of one embedded platform. They are defined here and nowhere else. */
export interface DataDir {
  readonly root: string;
  readonly config: string;
  readonly lock: string;
  /** Names the process that holds the lock. */
  readonly lockHolder: string;
  readonly instance: string;
  /** Records of the processes that agents run; used by the runtime only. */
  readonly processes: string;
  readonly platformDb: string;
  readonly quotaDb: string;
  /** Holds a folder per silo tenant, and one for the pooled stores. */
  readonly tenants: string;
  readonly logs: string;
  /** Describes the running platform; absent if none runs. */
  readonly running: string;
  /** The first admin's credentials, written once at first start, mode 0600. */
  readonly admin: string;
  readonly demo: string;
  /** The demo tenants that are still to be created. Absent if there are none. */
  readonly demoPending: string;
  /** The command line's own client credential, replaced at every start, mode 0600. */
  readonly localCredential: string;
}

/** The data directory at `path`, which need not exist yet. */
export function dataDirAt(path: string): DataDir {
  const root = resolve(path);
  return {
    root,
    config: join(root, 'config.json'),
    lock: join(root, 'lock.db'),
    lockHolder: join(root, 'lock.json'),
    instance: join(root, 'instance.json'),
    processes: join(root, 'processes'),
    platformDb: join(root, 'platform.db'),
    quotaDb: join(root, 'gateway.db'),
    tenants: join(root, 'tenants'),
    logs: join(root, 'logs'),
    running: join(root, 'running.json'),
    admin: join(root, 'admin.json'),
    demo: join(root, 'demo.json'),
    demoPending: join(root, 'demo-pending'),
    localCredential: join(root, 'local-credential.json'),
  };
}

/**
 * Creates the directory if it does not exist. Other users may pass through it, because tasks run under their own user
 * ids, but they cannot list it. Throws NOT_WRITABLE.
 */
export function prepareDataDir(dir: DataDir): void {
  try {
    makeFolder(dir.root);
    chmodSync(dir.root, 0o711);
    mkdirSync(dir.logs, { recursive: true, mode: 0o700 });
    // Version 0.1 wrote mails here and kept those of deleted users.
    rmSync(join(dir.root, 'mailbox.jsonl'), { force: true });
  } catch (cause) {
    throw new DomainError('NOT_WRITABLE', notWritable(dir.root, cause), { cause });
  }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EACCES: 'it belongs to another user',
  EPERM: 'it belongs to another user',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its quota is used up',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
  ENOENT: 'no folder can be created there',
};

export const WHAT_TO_DO = 'fix this, or choose another directory with --data-dir';

/** The error message for a path in the data directory that cannot be written. */
export function notWritable(path: string, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const why = WHY_NOT[code];
  return `data directory must be writable, but ${path} is not${why ? `: ${why}` : ''} (${code}); ${WHAT_TO_DO}`;
}

/** Creates one folder at a time: on a file system that takes no folders, such as /proc, recursive mkdir never ends. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o711 });
}

/**
 * Creates the directory for Unix sockets, and removes what a killed run left behind. The kernel limits the length of socket
 * paths, so if the data directory's path is long, `run` is a link to a private directory in the system's temporary one.
 */
export function prepareRunDir(dir: DataDir): { path: string; remove(): void } {
  const inside = join(dir.root, 'run');
  const prefix = join(tmpdir(), `tp-${createHash('sha256').update(dir.root).digest('hex').slice(0, 6)}-`);
  const linked = lstatSync(inside, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(inside) : undefined;
  if (linked?.startsWith(prefix)) rmSync(linked, { recursive: true, force: true });
  rmSync(inside, { recursive: true, force: true });
  if (Buffer.byteLength(inside) <= MAX_RUN_DIR_BYTES) {
    mkdirSync(inside);
    chmodSync(inside, 0o711);
    return { path: inside, remove: () => rmSync(inside, { recursive: true, force: true }) };
  }
  const outside = mkdtempSync(prefix);
  chmodSync(outside, 0o711);
  symlinkSync(outside, inside);
  return {
    path: outside,
    remove: () => {
      rmSync(inside, { force: true });
      rmSync(outside, { recursive: true, force: true });
    },
  };
}

/** SQLite's result code for a lock that another process holds. */
const SQLITE_BUSY = 5;

/** Every lock of this process. A lock that only its user refers to would end when the garbage collector finds it. */
const heldLocks = new Set<DatabaseSync>();

/**
 * Holds this lock file for this process alone; the kernel drops the lock when the process ends, however it ends.
 * Throws the system's error if the path cannot be written.
 * @returns undefined if another process holds it
 */
export function holdLock(path: string): { release(): void } | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  const held = db;
  heldLocks.add(held);
  return {
    release: () => {
      if (heldLocks.delete(held)) held.close();
    },
  };
}

/** Writes a JSON file that only the operator can read. Replaces it atomically. */
export function writePrivate(path: string, value: unknown): void {
  const whole = `${path}.${process.pid}`;
  writeFileSync(whole, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(whole, path);
}

/** The JSON file's value; undefined if there is no file. Throws CORRUPT, and the system's error if it cannot be read. */
export function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).isDirectory()) {
    throw new DomainError('CORRUPT', `${path} must be a file, but it is a directory; move it away`);
  }
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new DomainError('CORRUPT', `${path} must be JSON, but it is damaged; restore it from a backup`, { cause });
  }
}
