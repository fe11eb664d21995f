import type { JsonObject } from './table.ts';

/** An event. The names of its parts are EventBridge's. */
export interface Envelope {
  /** Unique per request or result; consumers detect duplicates by it. */
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: JsonObject;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** A named consumer with a durable queue of its own. */
export interface Consumer {
  /** The name of the queue and of its dead letters. Must not change. */
  readonly name: string;
  /** The detail types of the events that the consumer receives. */
  readonly detailTypes: readonly string[];
  /** Events handled at the same time. @default 1 */
  readonly concurrency?: number;
  /** Deliveries before an event becomes a dead letter. @default 8 */
  readonly maxAttempts?: number;
  /**
   * May be called more than once with the same event, and out of order. If it throws, the event is delivered again later.
   * If it throws a DomainError INVALID, no delivery can succeed, and the event becomes a dead letter at once.
   */
  handle(event: Envelope): Promise<void>;
}

export interface DeadLetter {
  /** Unique: `<consumer>~<event id>`. Not separated by '/', because API Gateway decodes `%2F` in a path. */
  readonly id: string;
  readonly consumer: string;
  readonly event: Envelope;
  readonly attempts: number;
  /** Message of the last error. */
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
  /** Durable when it resolves. An event with the id of an earlier one is not queued again for the same consumer. */
  publish(events: readonly Envelope[]): Promise<void>;
  /**
   * Starts delivery, including events published while the consumer was not subscribed. Throws CONFLICT for a second
   * subscription of the same consumer name in this process. `close` waits for running handlers.
   */
  subscribe(consumer: Consumer): { close(): Promise<void> };
  deadLetters(page: {
    readonly consumer?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<DeadLetterPage>;
  /** Queues a dead letter again and counts attempts from zero. Throws NOT_FOUND for an unknown id. */
  replay(id: string): Promise<void>;
  /**
   * Deletes what the bus keeps of a deleted tenant: its dead letters, and its events that every consumer has handled.
   * Idempotent.
   */
  forgetTenant(tenantId: string): Promise<void>;
}
