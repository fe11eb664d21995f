import { isDomainError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Envelope, EventBus } from '../ports/event-bus.ts';
import type { Log } from '../ports/log.ts';
import { type ListedItem, put, type Table } from '../ports/table.ts';
import { MAX_WRITES } from '../ports/table-rules.ts';
import { outboxDeletes } from './outbox.ts';
import { OUTBOX, REJECTED } from './outbox-partitions.ts';
import { checkEvent } from './schemas.ts';

export interface PublisherOptions {
  readonly table: Table;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the outbox is read without a call of `wake`, and the wait before a retry after an error, in ms. @default 5000 */
  readonly sweepMs?: number;
}

export interface Publisher {
  /** Publishes at once. Call it after a commit that wrote to OUTBOX. */
  wake(): void;
  /** Ends after the current batch. Other events stay in the outbox. */
  close(): Promise<void>;
}

/**
 * Moves events from the outbox to the bus, oldest first, including those of an earlier process. An event is deleted from
 * the outbox after it is published, so a crash in between publishes it twice rather than never.
 */
export function startPublisher({ table, bus, clock, log, sweepMs = 5_000 }: PublisherOptions): Publisher {
  let draining: Promise<void> | undefined;
  let again = false;
  let closed = false;
  let timer = clock.after(sweepMs, wake);

  function wake(): void {
    if (closed) return;
    again = true;
    draining ??= drain().finally(() => {
      draining = undefined;
      timer.cancel();
      if (closed) return;
      timer = clock.after(sweepMs, wake);
      // A wake arrived after the last read.
      if (again) wake();
    });
  }

  async function drain(): Promise<void> {
    try {
      while (again && !closed) {
        again = false;
        while (!closed && (await publishBatch(table, bus, log)));
      }
    } catch (error) {
      log.warn({ err: error }, 'the outbox could not be published; it is retried');
    }
  }

  wake();
  return {
    wake,
    async close() {
      closed = true;
      timer.cancel();
      await draining;
    },
  };
}

/**
 * Publishes all events of the outbox once, for a function that is invoked from outside. Throws if the bus or the table
 * fails; the remaining events stay in the outbox.
 */
export async function drainOutbox({ table, bus, log }: Pick<PublisherOptions, 'table' | 'bus' | 'log'>): Promise<void> {
  while (await publishBatch(table, bus, log));
}

/** @returns whether there may be more */
async function publishBatch(table: Table, bus: EventBus, log: Log): Promise<boolean> {
  const { items, next } = await table.query({ ...OUTBOX, limit: MAX_WRITES });
  const good: ListedItem<Envelope>[] = [];
  for (const item of items) {
    try {
      checkEvent(item.data);
      good.push(item);
    } catch (error) {
      if (!isDomainError(error, 'INVALID')) throw error;
      await reject(table, item, error.message);
      log.error({ eventId: item.sk, reason: error.message }, 'event rejected');
    }
  }
  if (good.length > 0) {
    await bus.publish(good.map((item) => item.data));
    await table.transact(outboxDeletes(good));
  }
  return next !== undefined;
}

async function reject(table: Table, item: ListedItem<Envelope>, reason: string): Promise<void> {
  await table.transact([
    ...outboxDeletes([item]),
    put({ ...REJECTED, sk: item.sk, version: 1, data: { event: item.data, reason } }),
  ]);
}
