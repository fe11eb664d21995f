import { defined } from '../../../core/defined.ts';
import { DomainError } from '../../../core/errors.ts';
import { OUTBOX, REJECTED, type RejectedEvent } from '../../../core/events/outbox-partitions.ts';
import type { DeadLetter, DeadLetterPage } from '../../../core/ports/event-bus.ts';
import { type ListedItem, put, type Table } from '../../../core/ports/table.ts';
import type { DeadLetterBus, ListedOutbox } from '../http/deps.ts';

interface Deps {
  /** The control plane's, with its outbox. */
  readonly table: Table;
  readonly bus: DeadLetterBus;
  /** @default [] - the control plane's table has the only outbox */
  readonly outboxes?: readonly ListedOutbox[];
}

interface Query {
  readonly consumer?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

const OWN_OUTBOX = 'outbox';
/** What the store accepts as a sort key; no dead letter has another one. */
const KEY = /^\P{Cc}{0,512}$/u;

function outboxesOf({ table, outboxes = [] }: Deps): readonly ListedOutbox[] {
  return [{ name: OWN_OUTBOX, table }, ...outboxes];
}

/** Ids of the events of an outbox begin so, and so do positions in its list. */
function prefixOf({ name }: ListedOutbox): string {
  return `${name}~`;
}

/** One page of events whose delivery failed for good, then of those that each outbox never published. */
export async function listDeadLetters(deps: Deps, query: Query): Promise<DeadLetterPage> {
  const { consumer, after, limit } = query;
  const outboxes = outboxesOf(deps);
  const selected = outboxes.find(({ name }) => name === consumer);
  if (selected) return rejected(selected, after, limit);
  const position = outboxes.findIndex((outbox) => after?.startsWith(prefixOf(outbox)));
  const outbox = outboxes[position];
  let page = outbox ? await rejected(outbox, after, limit) : await deps.bus.deadLetters(defined({ ...query }));
  if (consumer !== undefined) return page;
  for (const next of outboxes.slice(position + 1)) {
    if (page.next !== undefined) break;
    page = await continued(page, next, limit);
  }
  return page;
}

/** The page, which is the last one of its list, with the first events of the next list. */
async function continued(page: DeadLetterPage, outbox: ListedOutbox, limit: number): Promise<DeadLetterPage> {
  const room = limit - page.items.length;
  const further = await rejected(outbox, undefined, Math.max(room, 1));
  if (room > 0) return { ...further, items: [...page.items, ...further.items] };
  return further.items.length > 0 ? { ...page, next: prefixOf(outbox) } : page;
}

async function rejected(outbox: ListedOutbox, position: string | undefined, limit: number): Promise<DeadLetterPage> {
  const prefix = prefixOf(outbox);
  const after = position?.slice(prefix.length);
  const { items, next } = await outbox.table.query({ ...REJECTED, limit, ...(after && { after }) });
  return {
    items: items.map((item) => letterOf(item, outbox)),
    ...(next !== undefined && { next: `${prefix}${next}` }),
  };
}

/** The publisher rejects an event at its first attempt, so `failedAt` is the time of the event. */
function letterOf({ sk, data: { event, reason } }: ListedItem<RejectedEvent>, outbox: ListedOutbox): DeadLetter {
  return { id: `${prefixOf(outbox)}${sk}`, consumer: outbox.name, event, attempts: 1, reason, failedAt: event.time };
}

/** Queues a dead letter for delivery or publication again. Throws NOT_FOUND for an unknown id. */
export async function replayDeadLetter(deps: Deps, id: string): Promise<void> {
  const outbox = outboxesOf(deps).find((one) => id.startsWith(prefixOf(one)));
  if (!outbox) return deps.bus.replay(id);
  const key = { ...REJECTED, sk: id.slice(prefixOf(outbox).length) };
  const item = key.sk !== '' && KEY.test(key.sk) ? await outbox.table.get(key) : undefined;
  if (!item) throw new DomainError('NOT_FOUND', 'dead letter not found');
  await outbox.table.transact([
    { delete: key, if: 'present' },
    put({ ...OUTBOX, sk: key.sk, version: 1, data: item.data.event }),
  ]);
}
