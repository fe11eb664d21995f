import { DomainError } from '../../../core/errors.ts';
import { requireConsumerName } from '../../../core/events/consumer-name.ts';
import type { Consumer, DeadLetter, DeadLetterPage, Envelope, EventBus } from '../../../core/ports/event-bus.ts';
import { MAX_PAGE } from '../../../core/ports/table-rules.ts';
import { repeat } from '../../../core/time/repeat.ts';
import type { Database } from '../store/database.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';

export interface EmbeddedEventBus extends EventBus {
  /** Ends delivery. Resolves when the handlers in flight have ended. Leaves the database open. Idempotent. */
  close(): Promise<void>;
}

/** A dead letter's id is the consumer's name, '~' and the event's id. */
/**
 * How long published events are kept. A consumer that subscribes for the first time receives them, and an event that is
 * published twice within this time is queued once.
 */
const KEPT_MS = 7 * 24 * 3600 * 1000;
const SWEEP_MS = 60_000;
const BATCH = 500;

const ADD_EVENT = 'INSERT OR IGNORE INTO events (id, detail_type, event, published_at) VALUES (?, ?, ?, ?)';
const QUEUE = `INSERT INTO deliveries (consumer, event_id, attempts, due_at)
  SELECT consumer, ?, 0, ? FROM subscriptions WHERE detail_type = ?`;
const SUBSCRIBE = 'INSERT OR IGNORE INTO subscriptions (consumer, detail_type) VALUES (?, ?)';
const UNSUBSCRIBE = `DELETE FROM subscriptions WHERE consumer = ?
  AND detail_type NOT IN (SELECT value FROM json_each(?))`;
const QUEUE_KEPT = `INSERT OR IGNORE INTO deliveries (consumer, event_id, attempts, due_at)
  SELECT ?, id, 0, ? FROM events WHERE detail_type = ?`;
const DEAD = `SELECT l.consumer, l.event_id, l.attempts, l.reason, l.failed_at, e.event
  FROM dead_letters l JOIN events e ON e.id = l.event_id`;
const DELETE_DEAD = 'DELETE FROM dead_letters WHERE consumer = ? AND event_id = ?';
/** As in the index `events_tenant`. */
const TENANT_OF_EVENT = "json_extract(event, '$.detail.tenantId')";
const DELETE_DEAD_OF_TENANT = `DELETE FROM dead_letters WHERE event_id IN
  (SELECT id FROM events WHERE ${TENANT_OF_EVENT} = ?)`;
const DELETE_EVENTS_OF_TENANT = `DELETE FROM events WHERE ${TENANT_OF_EVENT} = ?
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event_id = events.id)`;
const REQUEUE = 'INSERT OR REPLACE INTO deliveries (consumer, event_id, attempts, due_at) VALUES (?, ?, 0, ?)';
const DELETE_OLD_EVENTS = `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE published_at < ?
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event_id = events.id)
  AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE event_id = events.id) LIMIT ${BATCH})`;

/**
 * The EventBus port over queues in a SQLite file, from which one process delivers. Subscriptions are durable: an event is
 * queued for every consumer that ever subscribed to its type, running or not. A first subscription receives the events of
 * the last 7 days, so the order of start-up loses nothing.
 */
export function openEventBus(options: DeliveryOptions): EmbeddedEventBus {
  return new SqliteEventBus(options);
}

class SqliteEventBus implements EmbeddedEventBus {
  readonly #options: DeliveryOptions;
  readonly #database: Database;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #sweep: { close(): Promise<void> };

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#sweep = repeat(options.clock, SWEEP_MS, () => deleteOldEvents(options));
  }

  async publish(events: readonly Envelope[]): Promise<void> {
    const now = this.#options.clock.now();
    const rows = events.map((event) => ({ ...event, text: JSON.stringify(event) }));
    await this.#database.write(() => {
      for (const { id, detailType, text } of rows) {
        if (this.#database.statement(ADD_EVENT).run(id, detailType, text, now).changes === 0) continue;
        this.#database.statement(QUEUE).run(id, now, detailType);
      }
    });
    this.#wake(new Set(events.map((event) => event.detailType)));
  }

  subscribe(consumer: Consumer): { close(): Promise<void> } {
    checkConsumer(consumer);
    const { name } = consumer;
    if (this.#deliveries.has(name)) {
      throw new DomainError('CONFLICT', `consumer '${name}' must not subscribe twice in one process`);
    }
    const { clock, log } = this.#options;
    const delivery = new Delivery(consumer, this.#options);
    this.#deliveries.set(name, delivery);
    const registered = register(this.#database, consumer, clock.now()).then(
      () => delivery.wake(),
      (error: unknown) => log.error({ err: error, consumer: name }, 'consumer could not be registered'),
    );
    return {
      close: async () => {
        await registered;
        await delivery.close();
        this.#deliveries.delete(name);
      },
    };
  }

  async deadLetters({ consumer, after, limit }: Parameters<EventBus['deadLetters']>[0]): Promise<DeadLetterPage> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
      throw new DomainError('INVALID', `limit of dead letters must be 1..${MAX_PAGE}, got ${limit}`);
    }
    const from = after === undefined ? { consumer: '', eventId: '' } : parseId(after);
    const filter = consumer === undefined ? [] : [consumer];
    const sql = `${DEAD} WHERE (l.consumer, l.event_id) > (?, ?) ${filter.length === 0 ? '' : 'AND l.consumer = ?'}
      ORDER BY l.consumer, l.event_id LIMIT ?+0`;
    const rows = this.#database.read(() =>
      this.#database.statement(sql).all(from.consumer, from.eventId, ...filter, limit + 1),
    );
    const items = rows.slice(0, limit).map(toDeadLetter);
    const last = items.at(-1);
    return rows.length > limit && last ? { items, next: last.id } : { items };
  }

  async replay(id: string): Promise<void> {
    const { consumer, eventId } = parseId(id);
    const now = this.#options.clock.now();
    await this.#database.write(() => {
      if (this.#database.statement(DELETE_DEAD).run(consumer, eventId).changes === 0) {
        throw new DomainError('NOT_FOUND', 'dead letter not found');
      }
      this.#database.statement(REQUEUE).run(consumer, eventId, now);
    });
    this.#deliveries.get(consumer)?.wake();
  }

  async forgetTenant(tenantId: string): Promise<void> {
    await this.#database.write(() => {
      this.#database.statement(DELETE_DEAD_OF_TENANT).run(tenantId);
      this.#database.statement(DELETE_EVENTS_OF_TENANT).run(tenantId);
    });
    await this.#database.emptyLog();
  }

  async close(): Promise<void> {
    await this.#sweep.close();
    await Promise.all(Array.from(this.#deliveries.values(), (delivery) => delivery.close()));
  }

  #wake(detailTypes: ReadonlySet<string>): void {
    for (const delivery of this.#deliveries.values()) {
      if (delivery.consumer.detailTypes.some((type) => detailTypes.has(type))) delivery.wake();
    }
  }
}

function checkConsumer({ name, concurrency = 1, maxAttempts = 1 }: Consumer): void {
  requireConsumerName(name);
  if (!(concurrency >= 1) || !(maxAttempts >= 1)) {
    throw new DomainError('INVALID', `concurrency and maxAttempts of consumer '${name}' must be at least 1`);
  }
}

async function register(database: Database, { name, detailTypes }: Consumer, now: number): Promise<void> {
  await database.write(() => {
    database.statement(UNSUBSCRIBE).run(name, JSON.stringify(detailTypes));
    for (const type of detailTypes) {
      if (database.statement(SUBSCRIBE).run(name, type).changes > 0) {
        database.statement(QUEUE_KEPT).run(name, now, type);
      }
    }
  });
}

function parseId(id: string): { consumer: string; eventId: string } {
  const end = id.indexOf('~');
  return { consumer: id.slice(0, Math.max(end, 0)), eventId: id.slice(end + 1) };
}

function toDeadLetter(row: Record<string, unknown>): DeadLetter {
  return {
    id: `${row.consumer}~${row.event_id}`,
    consumer: String(row.consumer),
    event: JSON.parse(String(row.event)) as Envelope,
    attempts: Number(row.attempts),
    reason: String(row.reason),
    failedAt: new Date(Number(row.failed_at)).toISOString(),
  };
}

/** Deletes old events without a delivery or a dead letter. It only frees space, so a failed run is left to the next. */
async function deleteOldEvents({ database, clock }: DeliveryOptions): Promise<void> {
  const before = clock.now() - KEPT_MS;
  let deleted: number;
  do {
    deleted = await database
      .write(() => Number(database.statement(DELETE_OLD_EVENTS).run(before).changes))
      .catch(() => 0);
  } while (deleted === BATCH);
}
