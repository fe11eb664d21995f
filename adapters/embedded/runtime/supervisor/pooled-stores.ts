import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError, isDomainError, messageOf } from '../../../../core/errors.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { type Key, type Partition, put, type Table } from '../../../../core/ports/table.ts';
import { closing } from '../../../../core/tenant/closed.ts';
import { pause } from '../../../../core/time/wait.ts';
import { isStore } from '../../store/is-store.ts';
import { isLocked } from '../../store/sqlite-errors.ts';
import { openTable, type SqliteTable } from '../../store/table.ts';

export interface PooledStoresOptions {
  /** Holds the store of each pooled service: `<service>.db`. */
  readonly folder: string;
  /** Whether the application has this service. */
  readonly isService: (name: string) => boolean;
  /** The platform's own table. Keeps the deletions that wait for a damaged store. */
  readonly table: Table;
  readonly clock: Clock;
  readonly log: Log;
}

/** A tenant's items that must be deleted from a store as soon as it can be opened. */
interface WaitingDeletion {
  readonly file: string;
  readonly tenantId: string;
}

const WAITING: Partition<WaitingDeletion> = { pk: 'runtime#waiting-deletions' };
const PAGE = 200;
const SUFFIX = '.db';
/** How long a visit waits for a store that another process locks. It waits without blocking the event loop. */
const LOCKED_MS = 2_000;
const LOCKED_AGAIN_MS = 50;

/**
 * The pooled stores, visited by the platform beside the tasks that serve them. The folder belongs to the tasks, so nothing
 * in it is trusted: no link is followed, a file that is not a store is ignored and reported once, and a damaged store
 * delays only the deletions in it.
 */
export class PooledStores {
  readonly #options: PooledStoresOptions;
  /** What was reported, by file name. */
  readonly #reported = new Map<string, string>();

  constructor(options: PooledStoresOptions) {
    this.#options = options;
  }

  /** For operators: the files that are ignored, and why. */
  get notes(): string[] {
    return [...this.#reported].map(([name, reason]) => `${join(this.#options.folder, name)}: ${reason}`);
  }

  /** Whether a store holds any item of the tenant. A store that cannot be read counts as empty. */
  async has(tenantId: string): Promise<boolean> {
    for (const name of this.#names()) {
      if (await this.#visit(name, async (table) => table.hasPartitions(tenantId))) return true;
    }
    return false;
  }

  /**
   * Makes every store refuse the tenant's writes. A damaged store has no tasks that could write.
   * Throws UNAVAILABLE if another process keeps a store locked.
   */
  async close(tenantId: string): Promise<void> {
    const mark = closing(tenantId, this.#options.clock.now());
    for (const name of this.#names()) await this.#visit(name, (table) => table.transact([mark]));
  }

  /**
   * Deletes the tenant's items from every store. Deletes them from a damaged store as soon as it is restored.
   * Throws UNAVAILABLE if another process keeps a store locked.
   */
  async remove(tenantId: string): Promise<void> {
    for (const file of this.#names()) await this.#removeFrom({ file, tenantId });
  }

  /** Deletes what could not be deleted while a store was damaged. Idempotent; logs what must still wait. */
  async deleteWaiting(): Promise<void> {
    const { table, log } = this.#options;
    let after: string | undefined;
    do {
      const page = await table.query({ ...WAITING, limit: PAGE, ...(after !== undefined && { after }) });
      for (const { data } of page.items) {
        const wait = (error: unknown) =>
          log.warn({ ...data, reason: messageOf(error) }, 'a deletion waits for its store');
        await this.#removeFrom(data).catch(wait);
      }
      after = page.next;
    } while (after !== undefined);
  }

  async #removeFrom(deletion: WaitingDeletion): Promise<void> {
    const { table, log } = this.#options;
    const { file, tenantId } = deletion;
    const key: Key<WaitingDeletion> = { ...WAITING, sk: `${file}/${tenantId}` };
    const deleted = await this.#visit(file, (store) => store.deletePartitions(tenantId));
    if (deleted !== undefined) return table.transact([{ delete: key }]);
    if (!this.#isExpected(file) || (await table.get(key))) return;
    log.warn({ file, tenantId }, 'the items of the tenant are deleted as soon as the store is restored');
    await table.transact([put({ ...key, version: 1, data: deletion })]);
  }

  #isExpected(name: string): boolean {
    return this.#options.isService(name.slice(0, -SUFFIX.length));
  }

  #names(): string[] {
    const { folder } = this.#options;
    if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (this.#isStore(entry) ? [entry.name] : []));
  }

  /** A file of one of the application's services always counts, so that damage is noticed. */
  #isStore(entry: Dirent): boolean {
    const { name } = entry;
    if (!name.endsWith(SUFFIX)) {
      if (!/\.db-(wal|shm|journal)$/.test(name)) this.#report(name, 'not a store; it is ignored');
      return false;
    }
    if (this.#isExpected(name)) return true;
    // It may be the store of a service that the application no longer has.
    if (entry.isFile() && isStore(join(this.#options.folder, name))) return true;
    this.#report(name, 'not a store of Tierplane, or locked; it is ignored');
    return false;
  }

  /** @returns undefined if the store cannot be opened, which is reported */
  async #visit<T>(name: string, visit: (table: SqliteTable) => T | Promise<T>): Promise<T | undefined> {
    const file = join(this.#options.folder, name);
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (!found) return undefined;
    if (!found.isFile()) {
      this.#report(name, 'not a regular file; the data of its service is unavailable');
      return undefined;
    }
    const table = await this.#open(file).catch((error: unknown) => {
      if (isLocked(error) || !isDomainError(error)) throw error;
      this.#report(name, messageOf(error));
    });
    if (!table) return undefined;
    try {
      const result = await visit(table);
      this.#reported.delete(name);
      return result;
    } catch (error) {
      if (!isDomainError(error, 'CORRUPT')) throw error;
      this.#report(name, error.message);
      return undefined;
    } finally {
      await table.close();
    }
  }

  /** Throws UNAVAILABLE if the store is locked for too long, CORRUPT or UNAVAILABLE if it cannot be opened. */
  async #open(file: string): Promise<SqliteTable> {
    const { clock } = this.#options;
    const until = performance.now() + LOCKED_MS;
    for (;;) {
      try {
        return openTable({ file, clock, blockMs: 0, lockTimeoutMs: LOCKED_MS });
      } catch (error) {
        if (!isLocked(error)) throw error;
        if (performance.now() > until) {
          throw new DomainError('UNAVAILABLE', `${file} is locked by another process`, { cause: error });
        }
        await pause(clock, LOCKED_AGAIN_MS);
      }
    }
  }

  #report(name: string, reason: string): void {
    if (this.#reported.get(name) === reason) return;
    this.#reported.set(name, reason);
    this.#options.log.warn(
      { file: join(this.#options.folder, name), reason },
      'a file among the pooled stores is not used',
    );
  }
}
