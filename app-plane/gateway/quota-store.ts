import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { type Key, type Partition, put, type Table } from '../../core/ports/table.ts';
import { type DayCount, utcDay } from '../../core/usage/quota.ts';
import type { Meter } from './meter.ts';

export interface QuotaStore {
  /** Call after each admitted request: has the count written within the interval. Cheap. */
  touch(tenantId: string, apiKey: string): void;
  /** Whether there is a count of the tenant. */
  knows(tenantId: string): boolean;
  /** Removes the counts of a tenant that is no more. */
  forget(tenantId: string): Promise<void>;
  /** Writes what changed, now. Throws if it cannot; nothing counted is lost then. */
  flush(): Promise<void>;
}

export interface QuotaStoreOptions {
  /** The gateway's own table; nobody else writes to it. */
  readonly table: Table;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
  /** Most that a `kill -9` can lose of the counts. @default 200 */
  readonly intervalMs?: number;
}

interface StoredCount extends DayCount {
  readonly tenantId: string;
}

/** One item per API key, replaced day by day, so that the file does not grow. */
const COUNTS: Partition<StoredCount> = { pk: 'quota' };

const keyOfCount = (apiKey: string): Key<StoredCount> => ({ pk: COUNTS.pk, sk: apiKey });
/** Of one transaction, by the port. */
const BATCH = 100;

/**
 * Carries the day's counts over restarts: loads them into the meter, and writes changes behind it. Counts are kept in
 * memory, so that no request waits for a disk; a crash forgets at most the last interval, in the tenants' favour.
 */
export async function openQuotaStore(options: QuotaStoreOptions): Promise<QuotaStore> {
  const { table, meter, clock, log, intervalMs = 200 } = options;
  const keyOf = new Map<string, string>();
  const tenantOf = new Map<string, string>();
  let timer: { cancel(): void } | undefined;
  let writing: Promise<void> = Promise.resolve();

  function own(tenantId: string, apiKey: string): void {
    keyOf.set(tenantId, apiKey);
    tenantOf.set(apiKey, tenantId);
  }

  await load(table, clock, (apiKey, used) => {
    own(used.tenantId, apiKey);
    meter.restore(apiKey, used);
  });

  async function writeChanged(): Promise<void> {
    const changed = [...meter.takeChanged()];
    try {
      while (changed.length > 0) {
        await table.transact(changed.slice(0, BATCH).map(([apiKey, used]) => countWrite(apiKey, used)));
        changed.splice(0, BATCH);
      }
    } catch (error) {
      for (const [apiKey] of changed) meter.markChanged(apiKey);
      throw error;
    }
  }

  function countWrite(apiKey: string, used: DayCount) {
    const data: StoredCount = { ...used, tenantId: tenantOf.get(apiKey) ?? '' };
    // Nobody reads it to write, so the version need not count.
    return put({ ...keyOfCount(apiKey), version: 1, data });
  }

  function flush(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    writing = writing.catch(() => {}).then(writeChanged);
    return writing;
  }

  function schedule(): void {
    timer ??= clock.after(intervalMs, () => {
      flush().catch((error) => {
        log.error({ err: error }, 'the quota counts cannot be written; trying again');
        schedule();
      });
    });
  }

  return {
    touch(tenantId, apiKey) {
      if (keyOf.get(tenantId) !== apiKey) own(tenantId, apiKey);
      if (timer === undefined) schedule();
    },
    knows: (tenantId) => keyOf.has(tenantId),
    async forget(tenantId) {
      const apiKey = keyOf.get(tenantId);
      if (apiKey === undefined) return;
      keyOf.delete(tenantId);
      tenantOf.delete(apiKey);
      meter.forget(apiKey);
      await writing.catch(() => {});
      await table.transact([{ delete: keyOfCount(apiKey) }]);
    },
    flush,
  };
}

/** Gives today's counts to `restore` and deletes the others. */
async function load(table: Table, clock: Clock, restore: (apiKey: string, used: StoredCount) => void): Promise<void> {
  const today = utcDay(clock.now());
  let after: string | undefined;
  do {
    const page = await table.query({ ...COUNTS, limit: BATCH, ...(after !== undefined && { after }) });
    const old = page.items.filter((item) => item.data.day < today);
    if (old.length > 0) await table.transact(old.map(({ pk, sk }) => ({ delete: { pk, sk } })));
    for (const item of page.items) if (item.data.day >= today) restore(item.sk, item.data);
    after = page.next;
  } while (after !== undefined);
}
