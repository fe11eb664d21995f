import type { Envelope } from '../ports/event-bus.ts';
import { type Key, put, type Write } from '../ports/table.ts';
import { OUTBOX } from './outbox-partitions.ts';
import { checkEvent } from './schemas.ts';

/** Throws INVALID for an event that does not match its schema, so that no state is stored with an unreadable event. */
export function outboxWrites(events: readonly Envelope[]): Write[] {
  events.forEach(checkEvent);
  return events.map((event) => put({ ...OUTBOX, sk: event.id, version: 1, data: event }, 'absent'));
}

export function outboxDeletes(items: readonly Key[]): Write[] {
  return items.map((item) => ({ delete: { pk: item.pk, sk: item.sk } }));
}
