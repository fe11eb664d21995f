import type { Envelope } from '../ports/event-bus.ts';
import type { Partition } from '../ports/table.ts';

/**
 * State and its event are written in one transaction: `table.transact([put(state), ...outboxWrites([event])])`.
 * The publisher (core/events/publisher.ts) drains this partition in order of id.
 */
export const OUTBOX: Partition<Envelope> = { pk: 'outbox' };

/** Events that match no schema, such as those of an older version, with the reason. Here they do not block the outbox. */
export const REJECTED: Partition<RejectedEvent> = { pk: 'outbox-rejected' };

export interface RejectedEvent {
  readonly event: Envelope;
  readonly reason: string;
}
