import { isDomainError } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Consumer, Envelope } from '../../../core/ports/event-bus.ts';
import type { Log } from '../../../core/ports/log.ts';
import { put, type Table, type Write } from '../../../core/ports/table.ts';
import { backOffMs, chanceOf } from '../../../core/retry/back-off.ts';
import type { DeadLetters } from './dead-letters.ts';
import { receivedEvent } from './event-record.ts';

export interface DeliveryOptions {
  /** Keeps what was delivered, and dead letters. */
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** The first pause before an event is delivered again; it doubles each time. In whole seconds, as SQS has it. @default 1 */
  readonly retryBaseSeconds?: number;
  /** @default 300 (5 minutes) */
  readonly retryMaxSeconds?: number;
}

export interface Message {
  readonly body: string;
  /** How often it was received, this time included. */
  readonly attempt: number;
}

/** What to do with a message: take it off its queue, or let it be seen again after so many seconds. */
export type Outcome = 'done' | { readonly retryAfterSeconds: number };

const DEFAULT_ATTEMPTS = 8;
/** SQS keeps no message longer. */
const REMEMBERED_SECONDS = 14 * 24 * 3600;

/**
 * Hands one message of a consumer's queue to it. EventBridge and SQS may both deliver twice: an event that was handled,
 * or laid aside, is not handled again unless it is replayed. Throws only where the table fails.
 */
export async function deliver(
  consumer: Consumer,
  message: Message,
  letters: DeadLetters,
  options: DeliveryOptions,
): Promise<Outcome> {
  const { table, log } = options;
  const { event, replayed } = receivedEvent(message.body);
  if (!replayed && (await table.get(markOf(consumer, event)))) return 'done';
  try {
    await consumer.handle(event);
  } catch (error) {
    const final = isDomainError(error, 'INVALID') || message.attempt >= (consumer.maxAttempts ?? DEFAULT_ATTEMPTS);
    log.warn(
      { err: error, consumer: consumer.name, eventId: event.id, attempt: message.attempt, final },
      'event failed',
    );
    if (!final) return { retryAfterSeconds: backOffSeconds(message.attempt, options) };
    const reason = error instanceof Error ? error.message : String(error);
    await bury(consumer, event, message.attempt, reason, letters, options);
    return 'done';
  }
  await table.transact([markWrite(consumer, event, options)]);
  return 'done';
}

/** Lays aside a message that its queue has given up on: whoever handled it ended before it could say why. */
export async function buryAbandoned(
  consumer: Consumer,
  message: Message,
  letters: DeadLetters,
  options: DeliveryOptions,
): Promise<void> {
  const { event } = receivedEvent(message.body);
  const reason = 'its consumer ended while handling it, again and again';
  await bury(consumer, event, consumer.maxAttempts ?? DEFAULT_ATTEMPTS, reason, letters, options);
}

async function bury(
  consumer: Consumer,
  event: Envelope,
  attempts: number,
  reason: string,
  letters: DeadLetters,
  options: DeliveryOptions,
): Promise<void> {
  const letter = await letters.burial(consumer.name, event, attempts, reason, options.clock.now());
  await options.table.transact([letter, markWrite(consumer, event, options)]);
}

function markOf(consumer: Consumer, event: Envelope) {
  return { pk: `delivered#${consumer.name}`, sk: event.id };
}

function markWrite(consumer: Consumer, event: Envelope, { clock }: DeliveryOptions): Write {
  const expiresAt = Math.floor(clock.now() / 1000) + REMEMBERED_SECONDS;
  return put({ ...markOf(consumer, event), version: 1, data: {}, expiresAt });
}

/** In whole seconds, as SQS takes them. */
function backOffSeconds(attempt: number, options: DeliveryOptions): number {
  const { retryBaseSeconds = 1, retryMaxSeconds = 300, random } = options;
  const backOff = { baseMs: retryBaseSeconds * 1000, maxMs: retryMaxSeconds * 1000 };
  return Math.ceil(backOffMs(attempt, backOff, chanceOf(random)) / 1000);
}
