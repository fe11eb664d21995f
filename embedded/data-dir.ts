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
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DomainError } from '../core/errors.ts';

/** Where everything of one embedded platform lives. Every path of it is made here and nowhere else. */
export interface DataDir {
  readonly root: string;
  readonly config: string;
  readonly lock: string;
  readonly instance: string;
  /** Which processes the agents run; the runtime's own. */
  readonly processes: string;
  readonly platformDb: string;
  readonly quotaDb: string;
  readonly mailbox: string;
  readonly logs: string;
  /** What a running platform says of itself; absent when none runs. */
  readonly running: string;
  /** The first admin's credentials, written once at first start, mode 0600. */
  readonly admin: string;
  readonly demo: string;
  /** What is left to make of the demo tenants, while there is something; one start leaves it to the next. */
  readonly demoPending: string;
  readonly cliToken: string;
}

/** The data directory at `path`, which need not exist yet. */
export function dataDirAt(path: string): DataDir {
  const root = resolve(path);
  return {
    root,
    config: join(root, 'config.json'),
    lock: join(root, 'lock.db'),
    instance: join(root, 'instance.json'),
    processes: join(root, 'processes'),
    platformDb: join(root, 'platform.db'),
    quotaDb: join(root, 'gateway.db'),
    mailbox: join(root, 'mailbox.jsonl'),
    logs: join(root, 'logs'),
    running: join(root, 'running.json'),
    admin: join(root, 'admin.json'),
    demo: join(root, 'demo.json'),
    demoPending: join(root, 'demo-pending'),
    cliToken: join(root, 'cli-token.json'),
  };
}

/** Creates the directory where needed. Others may pass through (tasks run under uids of their own) but see nothing. */
export function prepareDataDir(dir: DataDir): void {
  try {
    makeFolder(dir.root);
    chmodSync(dir.root, 0o711);
    mkdirSync(dir.logs, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new DomainError('CONFIG', notWritable(dir.root, cause), { cause });
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
  ENOENT: 'no folder can be made there',
};

const MEND = 'mend that, or choose another with --data-dir';

/** What is wrong with a path in the data directory that cannot be written, and what to do. */
export function notWritable(path: string, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const why = WHY_NOT[code];
  return `data directory must be writable, ${path} is not${why ? `: ${why}` : ''} (${code}); ${MEND}`;
}

/** Step by step: where a file system takes no folders (/proc, for one), mkdir's own recursion never ends. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o711 });
}

/** A Unix socket's path has at most 103 bytes on every system; 59 of them are the runtime's own. */
const LONGEST_RUN_DIR = 44;

/**
 * The directory for Unix sockets. Their paths are short by the kernel's rule, so below a long data directory it is a link
 * to a private directory under the system's temporary one. What a run that was killed left behind is removed.
 */
export function prepareRunDir(dir: DataDir): { path: string; remove(): void } {
  const inside = join(dir.root, 'run');
  const prefix = join(tmpdir(), `tp-${createHash('sha256').update(dir.root).digest('hex').slice(0, 6)}-`);
  const linked = lstatSync(inside, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(inside) : undefined;
  if (linked?.startsWith(prefix)) rmSync(linked, { recursive: true, force: true });
  rmSync(inside, { recursive: true, force: true });
  if (Buffer.byteLength(inside) <= LONGEST_RUN_DIR) {
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

/** SQLite's result code for a lock that another holds. */
const SQLITE_BUSY = 5;

/**
 * Holds the data directory for this process alone, by a lock the kernel drops when the process ends, however it ends.
 * @returns undefined if another process holds it
 */
export function lockDataDir(dir: DataDir): { release(): void } | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(dir.lock);
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    db?.close();
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    const reason = cause instanceof Error ? cause.message : 'unknown';
    const words = `data directory must be writable, ${dir.lock} is not (${reason}); ${MEND}`;
    throw new DomainError('CONFIG', words, { cause });
  }
  const held = db;
  return { release: () => held.close() };
}

/** A file of the operator's own: readable by nobody else, replaced as a whole. */
export function writePrivate(path: string, value: unknown): void {
  const whole = `${path}.${process.pid}`;
  writeFileSync(whole, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(whole, path);
}

/** undefined where there is none. Throws CORRUPT, and what the system says of a file that may not be read. */
export function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new DomainError('CORRUPT', `${path} must be JSON; it is damaged. Restore it from a copy`, { cause });
  }
}
