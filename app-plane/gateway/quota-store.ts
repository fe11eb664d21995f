import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { type Key, type Partition, type Put, put, type Table } from '../../core/ports/table.ts';
import { MAX_WRITES } from '../../core/ports/table-rules.ts';
import { type DayCount, utcDay } from '../../core/usage/quota.ts';
import type { Meter } from './meter.ts';

export interface QuotaStoreOptions {
  /** The gateway's own table. Nothing else writes to it. */
  readonly table: Table;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the tenant has a route. Counts of other tenants are deleted at the start. */
  readonly hasRoute: (tenantId: string) => Promise<boolean>;
  /** Counts are stored at this interval, so a `kill -9` loses at most this much of them. @default 200 */
  readonly intervalMs?: number;
}

interface StoredCount extends DayCount {
  readonly tenantId: string;
}

/** One item per API key. Each day replaces the item of the day before, so the file does not grow. */
const COUNTS: Partition<StoredCount> = { pk: 'quota' };

const countKey = (apiKey: string): Key<StoredCount> => ({ pk: COUNTS.pk, sk: apiKey });

/**
 * Keeps the day's quota counts across restarts: loads them into the meter, and stores changes at an interval. Requests
 * never wait for the disk. A crash loses the last interval, in the tenants' favour.
 */
export class QuotaStore {
  readonly #options: QuotaStoreOptions;
  readonly #apiKeyByTenant = new Map<string, string>();
  readonly #tenantByApiKey = new Map<string, string>();
  #timer: { cancel(): void } | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: QuotaStoreOptions) {
    this.#options = options;
  }

  /**
   * Loads today's counts into the meter. Deletes those of earlier days, and those of tenants that were deleted while no
   * gateway ran to remove them.
   */
  static async open(options: QuotaStoreOptions): Promise<QuotaStore> {
    const store = new QuotaStore(options);
    await store.#load();
    return store;
  }

  /** Schedules the count of the key to be stored. Call it after each admitted request; it is cheap. */
  touch(tenantId: string, apiKey: string): void {
    if (this.#apiKeyByTenant.get(tenantId) !== apiKey) this.#assign(tenantId, apiKey);
    if (this.#timer === undefined) this.#schedule();
  }

  /** Whether there is a count of the tenant. */
  has(tenantId: string): boolean {
    return this.#apiKeyByTenant.has(tenantId);
  }

  /** Removes the counts of a tenant that no longer exists. */
  async remove(tenantId: string): Promise<void> {
    const apiKey = this.#apiKeyByTenant.get(tenantId);
    if (apiKey === undefined) return;
    this.#apiKeyByTenant.delete(tenantId);
    this.#tenantByApiKey.delete(apiKey);
    this.#options.meter.remove(apiKey);
    await this.#writing.catch(() => {});
    await this.#options.table.transact([{ delete: countKey(apiKey) }]);
  }

  /** Stores all changed counts now. Throws if it cannot; the counts are then stored by the next call. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writing = this.#writing.catch(() => {}).then(() => this.#storeChanged());
    return this.#writing;
  }

  #assign(tenantId: string, apiKey: string): void {
    this.#apiKeyByTenant.set(tenantId, apiKey);
    this.#tenantByApiKey.set(apiKey, tenantId);
  }

  #schedule(): void {
    const { clock, log, intervalMs = 200 } = this.#options;
    this.#timer ??= clock.after(intervalMs, () => {
      this.flush().catch((error) => {
        log.error({ err: error }, 'cannot store quota counts; trying again');
        this.#schedule();
      });
    });
  }

  async #storeChanged(): Promise<void> {
    const { meter, table } = this.#options;
    const changed = [...meter.takeChanged()];
    try {
      while (changed.length > 0) {
        await table.transact(changed.slice(0, MAX_WRITES).map(([apiKey, used]) => this.#putCount(apiKey, used)));
        changed.splice(0, MAX_WRITES);
      }
    } catch (error) {
      for (const [apiKey] of changed) meter.markChanged(apiKey);
      throw error;
    }
  }

  #putCount(apiKey: string, used: DayCount): Put {
    const data: StoredCount = { ...used, tenantId: this.#tenantByApiKey.get(apiKey) ?? '' };
    // Nothing updates the item conditionally, so its version stays the same.
    return put({ ...countKey(apiKey), version: 1, data });
  }

  async #load(): Promise<void> {
    const { table, clock, meter, hasRoute } = this.#options;
    const today = utcDay(clock.now());
    let after: string | undefined;
    do {
      const page = await table.query({ ...COUNTS, limit: MAX_WRITES, ...(after !== undefined && { after }) });
      const useless: Key[] = [];
      for (const { pk, sk: apiKey, data } of page.items) {
        if (data.day < today || !(await hasRoute(data.tenantId))) {
          useless.push({ pk, sk: apiKey });
          continue;
        }
        this.#assign(data.tenantId, apiKey);
        meter.restore(apiKey, data);
      }
      if (useless.length > 0) await table.transact(useless.map((key) => ({ delete: key })));
      after = page.next;
    } while (after !== undefined);
  }
}
