import { rmSync } from 'node:fs';
import { findOtherPlatform, thisProcess } from '../adapters/embedded/runtime/supervisor/own-processes.ts';
import { isAlive, type ProcessRecord } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import { DomainError, messageOf } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import { repeat } from '../core/time/repeat.ts';
import { type DataDir, holdLock, readJson, WHAT_TO_DO, writePrivate } from './data-dir.ts';
import { placeOf, readInstance } from './instance.ts';

/** How often a platform checks that the lock file is still its own. */
const CHECK_INTERVAL_MS = 1_000;

export interface DataDirLock {
  release(): void;
  /**
   * Checks every second that the lock file is the one that this process holds. If it was deleted or replaced, locks the
   * new file too. Calls `lost` if another process holds that one.
   */
  watch(options: { readonly clock: Clock; readonly log: Log; readonly lost: () => void }): void;
}

/**
 * Locks the data directory for this process, until it ends: the kernel releases the lock, however the process ends. Also
 * finds another platform if its lock file was deleted or replaced: by the record of the lock's holder, and by the platform's
 * own agents and gateway. Both compare boot id and start time, so a process with a reused pid does not count.
 * @returns undefined if another process holds the directory. Throws NOT_WRITABLE if its file cannot be written
 */
export function lockDataDir(dir: DataDir): DataDirLock | undefined {
  try {
    const lock = holdLock(dir.lock);
    if (!lock) return undefined;
    let isFree = false;
    try {
      isFree = !isHeldByOther(dir);
    } finally {
      if (!isFree) lock.release();
    }
    return isFree ? new HeldLock(dir, lock) : undefined;
  } catch (cause) {
    if (cause instanceof DomainError) throw cause;
    const message = `data directory must be writable, but ${dir.lock} is not (${messageOf(cause)}); ${WHAT_TO_DO}`;
    throw new DomainError('NOT_WRITABLE', message, { cause });
  }
}

/** What `lock.json` holds. */
interface LockHolder extends ProcessRecord {
  /** The data directory, by device and inode: a copy of it has no holder. */
  readonly place: string;
}

function isHeldByOther(dir: DataDir): boolean {
  const place = placeOf(dir.root);
  const holder = readHolder(dir);
  if (holder && holder.place === place && holder.pid !== process.pid && isAlive(holder)) return true;
  const instance = readInstance(dir);
  if (!instance || instance.place !== place) return false;
  return findOtherPlatform(instance.id) !== undefined;
}

/** A damaged record proves nothing; the lock and the processes still do. */
function readHolder(dir: DataDir): LockHolder | undefined {
  try {
    return readJson<LockHolder>(dir.lockHolder);
  } catch {
    return undefined;
  }
}

class HeldLock implements DataDirLock {
  readonly #dir: DataDir;
  /** One for each lock file that there has been. */
  readonly #locks: { release(): void }[];
  /** The lock file at the path that this process holds. */
  #place: string | undefined;
  #checks: { close(): Promise<void> } | undefined;
  #isReported = false;

  constructor(dir: DataDir, lock: { release(): void }) {
    this.#dir = dir;
    this.#locks = [lock];
    this.#place = placeOf(dir.lock);
    this.#record();
  }

  release(): void {
    void this.#checks?.close();
    rmSync(this.#dir.lockHolder, { force: true });
    for (const lock of this.#locks.splice(0)) lock.release();
  }

  watch({ clock, log, lost }: { readonly clock: Clock; readonly log: Log; readonly lost: () => void }): void {
    this.#checks = repeat(clock, CHECK_INTERVAL_MS, () => {
      if (placeOf(this.#dir.lock) === this.#place) return;
      try {
        if (!this.#isReported) log.error({ file: this.#dir.lock }, 'the lock file was deleted or replaced');
        this.#isReported = true;
        const lock = holdLock(this.#dir.lock);
        if (!lock) return lost();
        this.#locks.push(lock);
        this.#place = placeOf(this.#dir.lock);
        this.#record();
        this.#isReported = false;
      } catch (error) {
        // The directory is gone or its disk is full. The next check tries again.
        log.debug({ reason: messageOf(error) }, 'the lock file cannot be created again');
      }
    });
  }

  /** On a full disk there is no record; the lock and the platform's processes still prove that it runs. */
  #record(): void {
    try {
      const place = placeOf(this.#dir.root) ?? '';
      writePrivate(this.#dir.lockHolder, { ...thisProcess(), place } satisfies LockHolder);
    } catch {
      rmSync(this.#dir.lockHolder, { force: true });
    }
  }
}
