import type { Envelope } from '../ports/event-bus.ts';
import { put, type Write } from '../ports/table.ts';

/** Longer than any bus of ours still delivers an event again of its own accord. */
const REMEMBERED_SECONDS = 14 * 24 * 3600;

/**
 * The mark that `consumer` has handled `event`. Write it in the transaction that holds the event's effects: for a
 * duplicate this write's condition fails, and with it the whole transaction. It expires 14 days after the event's time.
 */
export function seenWrite(consumer: string, event: Envelope): Write {
  const expiresAt = Math.floor(Date.parse(event.time) / 1000) + REMEMBERED_SECONDS;
  return put({ pk: `seen#${consumer}`, sk: event.id, version: 1, data: {}, expiresAt }, 'absent');
}
