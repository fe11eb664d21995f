import { isDomainError, messageOf } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Consumer, Envelope } from '../../../core/ports/event-bus.ts';
import type { Log } from '../../../core/ports/log.ts';
import { backOffMs, chanceOf } from '../../../core/retry/back-off.ts';
import type { Database } from '../store/database.ts';

export interface DeliveryOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** For the jitter of retries. */
  readonly random: RandomBytes;
  readonly log: Log;
  /** Longest wait before the second delivery, in ms. It doubles with each further one. @default 500 */
  readonly retryBaseMs?: number;
  /** Longest wait between deliveries, in ms. @default 60000 */
  readonly retryMaxMs?: number;
  /** How often each queue is polled, in ms. It is a fallback only: `publish` wakes the queue. @default 5000 */
  readonly sweepMs?: number;
}

interface Due {
  readonly eventId: string;
  readonly attempts: number;
  readonly event: string;
}

const MAX_ATTEMPTS = 8;
const MAX_REASON_CHARS = 500;
const MIN_BATCH = 16;
const DUE = `SELECT d.event_id, d.attempts, e.event FROM deliveries d JOIN events e ON e.id = d.event_id
  WHERE d.consumer = ? AND d.due_at <= ? ORDER BY d.due_at, d.event_id LIMIT ?+0`;
/** Later than any retry can be due: the system clock was set back after the delivery was queued. */
const AHEAD = `SELECT d.event_id, d.attempts, e.event FROM deliveries d JOIN events e ON e.id = d.event_id
  WHERE d.consumer = ? AND d.due_at > ? ORDER BY d.due_at, d.event_id LIMIT ?+0`;
const NEXT_DUE = 'SELECT due_at FROM deliveries WHERE consumer = ? AND due_at > ? ORDER BY due_at LIMIT 1';
const ACKNOWLEDGE = 'DELETE FROM deliveries WHERE consumer = ? AND event_id = ?';
const POSTPONE = 'UPDATE deliveries SET attempts = ?, due_at = ? WHERE consumer = ? AND event_id = ?';
const INSERT_DEAD_LETTER =
  'INSERT OR REPLACE INTO dead_letters (consumer, event_id, attempts, reason, failed_at) VALUES (?, ?, ?, ?, ?)';

/**
 * Delivers one consumer's queue. A delivery leaves the queue only when it has been handled, so those in flight when the
 * process dies are delivered again. Attempts count failures, not starts.
 */
export class Delivery {
  readonly consumer: Consumer;
  readonly #options: Required<DeliveryOptions>;
  readonly #concurrency: number;
  /** Ids of events that wait in the buffer, are being handled or acknowledged, and must not be taken again. */
  readonly #taken = new Set<string>();
  readonly #inFlight = new Set<Promise<void>>();
  #buffer: Due[] = [];
  #running = 0;
  #closed = false;
  #timer: { cancel(): void } | undefined;

  constructor(consumer: Consumer, options: DeliveryOptions) {
    this.consumer = consumer;
    this.#options = { retryBaseMs: 500, retryMaxMs: 60_000, sweepMs: 5_000, ...options };
    this.#concurrency = consumer.concurrency ?? 1;
  }

  /** Starts the deliveries that are due, up to the concurrency, and sets the timer for the next ones. */
  wake(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    let waitMs = this.#options.sweepMs;
    try {
      while (this.#running < this.#concurrency) {
        if (this.#buffer.length === 0) this.#take();
        const due = this.#buffer.shift();
        if (!due) {
          waitMs = this.#untilNextDue();
          break;
        }
        this.#start(due);
      }
    } catch (error) {
      this.#options.log.error({ err: error, consumer: this.consumer.name }, 'queue cannot be read; trying again later');
    }
    this.#timer = this.#options.clock.after(waitMs, () => this.wake());
  }

  /** Takes no more events. Resolves when the handlers in flight have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await Promise.all(this.#inFlight);
  }

  /** Fills the buffer with due events that are not taken yet. Taken ones may still be in the table. */
  #take(): void {
    const { database, clock, retryMaxMs } = this.#options;
    const limit = Math.max(MIN_BATCH, 2 * this.#concurrency) + this.#taken.size;
    const now = clock.now();
    const find = (sql: string, time: number) =>
      database.read(() => database.statement(sql).all(this.consumer.name, time, limit));
    const due = find(DUE, now);
    for (const row of due.length > 0 ? due : find(AHEAD, now + retryMaxMs)) {
      const due = { eventId: String(row.event_id), attempts: Number(row.attempts), event: String(row.event) };
      if (this.#taken.has(due.eventId)) continue;
      this.#taken.add(due.eventId);
      this.#buffer.push(due);
    }
  }

  #untilNextDue(): number {
    const { database, clock, sweepMs } = this.#options;
    const now = clock.now();
    const row = database.read(() => database.statement(NEXT_DUE).get(this.consumer.name, now));
    return row ? Math.min(Number(row.due_at) - now, sweepMs) : sweepMs;
  }

  #start(due: Due): void {
    this.#running++;
    const done = this.#deliver(due).finally(() => {
      this.#taken.delete(due.eventId);
      this.#inFlight.delete(done);
    });
    this.#inFlight.add(done);
  }

  async #deliver(due: Due): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.consumer.handle(JSON.parse(due.event) as Envelope);
    } catch (error) {
      failure = { error };
    }
    const recorded = failure ? this.#fail(due, failure.error) : this.#acknowledge(due);
    // The next handler may start while the outcome is written, so that one commit holds many outcomes.
    this.#running--;
    this.wake();
    try {
      await recorded;
    } catch (error) {
      this.#options.log.warn(
        { err: error, consumer: this.consumer.name, eventId: due.eventId },
        'outcome not recorded; the event will be delivered again',
      );
    }
  }

  async #acknowledge({ eventId }: Due): Promise<void> {
    const { database } = this.#options;
    await database.write(() => database.statement(ACKNOWLEDGE).run(this.consumer.name, eventId));
  }

  async #fail(due: Due, error: unknown): Promise<void> {
    const { database, clock, log } = this.#options;
    const { name, maxAttempts = MAX_ATTEMPTS } = this.consumer;
    const attempts = due.attempts + 1;
    const reason = messageOf(error).slice(0, MAX_REASON_CHARS);
    const now = clock.now();
    const fields = { consumer: name, eventId: due.eventId, attempts, reason };
    if (attempts >= maxAttempts || isDomainError(error, 'INVALID')) {
      log.error(fields, 'event became a dead letter');
      await database.write(() => {
        database.statement(ACKNOWLEDGE).run(name, due.eventId);
        database.statement(INSERT_DEAD_LETTER).run(name, due.eventId, attempts, reason, now);
      });
      return;
    }
    const waitMs = this.#backOffMs(attempts);
    log.warn({ ...fields, waitMs }, 'event not handled; it will be delivered again');
    await database.write(() => database.statement(POSTPONE).run(attempts, now + waitMs, name, due.eventId));
    // The current timer was set before this delivery was postponed.
    this.wake();
  }

  #backOffMs(attempts: number): number {
    const { random, retryBaseMs, retryMaxMs } = this.#options;
    return Math.round(backOffMs(attempts, { baseMs: retryBaseMs, maxMs: retryMaxMs }, chanceOf(random)));
  }
}
