import type { Envelope } from '../ports/event-bus.ts';
import { put, type Write } from '../ports/table.ts';

/** Neither home's bus delivers an event again after this time, unless an operator replays it. */
const RETENTION_SECONDS = 14 * 24 * 3600;

/**
 * Records that `consumer` has handled `event`. Put this write into the transaction of the event's effects: for a
 * duplicate its condition fails, and with it the whole transaction. The record expires 14 days after the event's time.
 */
export function seenWrite(consumer: string, event: Envelope): Write {
  const expiresAt = Math.floor(Date.parse(event.time) / 1000) + RETENTION_SECONDS;
  return put({ pk: `seen#${consumer}`, sk: event.id, version: 1, data: {}, expiresAt }, 'absent');
}
