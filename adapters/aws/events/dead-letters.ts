import { defined } from '../../../core/defined.ts';
import { isDomainError } from '../../../core/errors.ts';
import type { DeadLetter, DeadLetterPage, Envelope } from '../../../core/ports/event-bus.ts';
import { type Key, type Partition, put, type Table, type Write } from '../../../core/ports/table.ts';

type Stored = Omit<DeadLetter, 'id'>;

const PARTITION: Partition<Stored> = { pk: 'dead-letters' };

const keyOf = (sk: string): Key<Stored> => ({ pk: PARTITION.pk, sk });

export interface FoundDeadLetter {
  readonly letter: DeadLetter;
  /** Increases each time the event becomes a dead letter again. */
  readonly version: number;
}

/**
 * Dead letters in the platform's table. An SQS dead-letter queue cannot be listed without receiving its messages, and does
 * not record why they failed.
 */
export class DeadLetters {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Dead letters in order of consumer and event id. Throws INVALID for a limit outside 1..1000. */
  async page({
    consumer,
    after,
    limit,
  }: {
    readonly consumer?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<DeadLetterPage> {
    const prefix = consumer === undefined ? undefined : `${consumer}~`;
    const page = await this.#table.query({ ...PARTITION, ...defined({ prefix, after }), limit });
    const items = page.items.map(({ sk, data }) => ({ ...data, id: sk }));
    return page.next === undefined ? { items } : { items, next: page.next };
  }

  async find(id: string): Promise<FoundDeadLetter | undefined> {
    if (id === '') return undefined;
    const item = await this.#table.get(keyOf(id));
    return item && { letter: { ...item.data, id: item.sk }, version: item.version };
  }

  /** The write that stores a dead letter. It replaces an earlier one of the same event. */
  async putWrite(consumer: string, event: Envelope, attempts: number, reason: string, now: number): Promise<Write> {
    const sk = `${consumer}~${event.id}`;
    const version = ((await this.find(sk))?.version ?? 0) + 1;
    const data: Stored = { consumer, event, attempts, reason, failedAt: new Date(now).toISOString() };
    return put({ ...keyOf(sk), version, data });
  }

  /** Deletes the letters of a tenant's events. There are few dead letters, so it reads all of them. */
  async deleteOf(tenantId: string): Promise<void> {
    let after: string | undefined;
    do {
      const page = await this.#table.query({ ...PARTITION, ...defined({ after }), limit: 100 });
      const found = page.items.filter(({ data }) => data.event.detail.tenantId === tenantId);
      if (found.length > 0) await this.#table.transact(found.map(({ sk }) => ({ delete: keyOf(sk) })));
      after = page.next;
    } while (after !== undefined);
  }

  /** Deletes the letter, unless its event has failed again meanwhile. */
  async remove({ letter, version }: FoundDeadLetter): Promise<void> {
    try {
      await this.#table.transact([{ delete: keyOf(letter.id), if: { version } }]);
    } catch (error) {
      if (!isDomainError(error, 'CONDITION_FAILED')) throw error;
    }
  }
}
