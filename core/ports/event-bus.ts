import type { JsonObject } from './table.ts';

/** An event as it travels: EventBridge's names for its parts. */
export interface Envelope {
  /** Unique per intent; consumers deduplicate by it. */
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: JsonObject;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** A named consumer with a durable queue of its own. */
export interface Consumer {
  /** Stable: the queue's name, also in dead letters. */
  readonly name: string;
  /** Which events it gets, by detail type. */
  readonly detailTypes: readonly string[];
  /** How many events are handled at once. @default 1 */
  readonly concurrency?: number;
  /** Deliveries before an event becomes a dead letter. @default 8 */
  readonly maxAttempts?: number;
  /**
   * May be called more than once, and out of order, with the same event. Throwing means: deliver again, later; but a
   * DomainError INVALID means that no delivery will ever succeed, and the event becomes a dead letter at once.
   */
  handle(event: Envelope): Promise<void>;
}

export interface DeadLetter {
  /** Unique: consumer and event id, a '~' between them: it stands in a path, where API Gateway takes `%2F` for a '/'. */
  readonly id: string;
  readonly consumer: string;
  readonly event: Envelope;
  readonly attempts: number;
  /** Message of the last failure. */
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly failedAt: string;
}

export interface DeadLetterPage {
  readonly items: readonly DeadLetter[];
  readonly next?: string;
}

/** At-least-once delivery with exponential back-off and jitter. Embedded: queues in SQLite. AWS: EventBridge and SQS. */
export interface EventBus {
  /** Durable when it resolves. An event already published (same id) is not queued again for the same consumer. */
  publish(events: readonly Envelope[]): Promise<void>;
  /**
   * Begins delivery, also of what was published while the consumer was away. At most one subscription per consumer name
   * and process: throws CONFLICT. `close` waits for handlers in flight.
   */
  subscribe(consumer: Consumer): { close(): Promise<void> };
  deadLetters(page: {
    readonly consumer?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<DeadLetterPage>;
  /** Queues a dead letter again, attempts from zero. Throws NOT_FOUND for an unknown id. */
  replay(id: string): Promise<void>;
}
