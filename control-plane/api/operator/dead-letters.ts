import { DomainError } from '../../../core/errors.ts';
import { OUTBOX } from '../../../core/events/outbox.ts';
import { REJECTED, type RejectedEvent } from '../../../core/events/publisher.ts';
import type { DeadLetter, DeadLetterPage, EventBus } from '../../../core/ports/event-bus.ts';
import { type ListedItem, put, type Table } from '../../../core/ports/table.ts';

/** Shown as the consumer of events that the publisher rejected, so that they never reached the bus. */
const OUTBOX_CONSUMER = 'outbox';
const PREFIX = `${OUTBOX_CONSUMER}~`;
/** What the store accepts as a sort key; no dead letter has another one. */
const KEY = /^\P{Cc}{0,512}$/u;

interface Deps {
  readonly table: Table;
  readonly bus: EventBus;
}

interface Query {
  readonly consumer?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** One page of events whose delivery failed for good, then of events that were never published. */
export async function listDeadLetters({ table, bus }: Deps, query: Query): Promise<DeadLetterPage> {
  const { consumer, after, limit } = query;
  if (consumer === OUTBOX_CONSUMER || after?.startsWith(PREFIX))
    return rejected(table, after?.slice(PREFIX.length), limit);
  const page = await bus.deadLetters({
    limit,
    ...(after !== undefined && { after }),
    ...(consumer !== undefined && { consumer }),
  });
  if (page.next !== undefined || consumer !== undefined) return page;
  const room = limit - page.items.length;
  const further = await rejected(table, undefined, Math.max(room, 1));
  if (room > 0) return { ...further, items: [...page.items, ...further.items] };
  return further.items.length > 0 ? { ...page, next: PREFIX } : page;
}

async function rejected(table: Table, after: string | undefined, limit: number): Promise<DeadLetterPage> {
  const { items, next } = await table.query({ ...REJECTED, limit, ...(after && { after }) });
  return { items: items.map(letterOf), ...(next !== undefined && { next: `${PREFIX}${next}` }) };
}

/** The publisher rejects an event at its first attempt, so `failedAt` is the time of the event. */
function letterOf({ sk, data: { event, reason } }: ListedItem<RejectedEvent>): DeadLetter {
  return { id: `${PREFIX}${sk}`, consumer: OUTBOX_CONSUMER, event, attempts: 1, reason, failedAt: event.time };
}

/** Queues a dead letter for delivery or publication again. Throws NOT_FOUND for an unknown id. */
export async function replayDeadLetter({ table, bus }: Deps, id: string): Promise<void> {
  if (!id.startsWith(PREFIX)) return bus.replay(id);
  const key = { ...REJECTED, sk: id.slice(PREFIX.length) };
  const item = key.sk !== '' && KEY.test(key.sk) ? await table.get(key) : undefined;
  if (!item) throw new DomainError('NOT_FOUND', 'dead letter not found');
  await table.transact([
    { delete: key, if: 'present' },
    put({ ...OUTBOX, sk: key.sk, version: 1, data: item.data.event }),
  ]);
}
