import { isDomainError, messageOf } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Consumer, Envelope } from '../../../core/ports/event-bus.ts';
import type { Log } from '../../../core/ports/log.ts';
import { put, type Table, type Write } from '../../../core/ports/table.ts';
import { backOffMs, chanceOf } from '../../../core/retry/back-off.ts';
import type { DeadLetters } from './dead-letters.ts';
import { receivedEvent } from './event-record.ts';

export interface DeliveryOptions {
  /** Records which events have been delivered, and holds dead letters. */
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Longest wait before the second delivery, in whole seconds. It doubles with each further one. @default 1 */
  readonly retryBaseSeconds?: number;
  /** Longest wait between deliveries. @default 300 (5 minutes) */
  readonly retryMaxSeconds?: number;
}

/** A message of a consumer's queue. */
export interface Message {
  readonly body: string;
  /** How often it has been received, including this time. */
  readonly attempt: number;
}

/** What to do with a message: delete it from its queue, or make it visible again after some seconds. */
export type Outcome = 'done' | { readonly retryAfterSeconds: number };

const DEFAULT_ATTEMPTS = 8;
/** SQS keeps messages for at most 14 days, so no event is delivered again later. */
const MARK_SECONDS = 14 * 24 * 3600;

/**
 * Delivers one message of a consumer's queue. EventBridge and SQS may both deliver an event twice, so an event that has
 * been handled or has become a dead letter is not handled again, unless it is replayed. Throws only if the table fails.
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
    await deadLetter(consumer, event, message.attempt, messageOf(error), letters, options);
    return 'done';
  }
  await table.transact([markWrite(consumer, event, options)]);
  return 'done';
}

/** Makes a dead letter of a message that SQS has moved to the dead-letter queue: its handler ended without an outcome. */
export async function deadLetterAbandoned(
  consumer: Pick<Consumer, 'name' | 'maxAttempts'>,
  message: Message,
  letters: DeadLetters,
  options: DeliveryOptions,
): Promise<void> {
  const { event } = receivedEvent(message.body);
  const reason = 'the consumer ended while it handled this event, in every attempt';
  await deadLetter(consumer, event, consumer.maxAttempts ?? DEFAULT_ATTEMPTS, reason, letters, options);
}

async function deadLetter(
  consumer: Pick<Consumer, 'name'>,
  event: Envelope,
  attempts: number,
  reason: string,
  letters: DeadLetters,
  options: DeliveryOptions,
): Promise<void> {
  const letter = await letters.putWrite(consumer.name, event, attempts, reason, options.clock.now());
  await options.table.transact([letter, markWrite(consumer, event, options)]);
}

function markOf(consumer: Pick<Consumer, 'name'>, event: Envelope) {
  return { pk: `delivered#${consumer.name}`, sk: event.id };
}

function markWrite(consumer: Pick<Consumer, 'name'>, event: Envelope, { clock }: DeliveryOptions): Write {
  const expiresAt = Math.floor(clock.now() / 1000) + MARK_SECONDS;
  return put({ ...markOf(consumer, event), version: 1, data: {}, expiresAt });
}

/** In whole seconds, as SQS takes them. */
function backOffSeconds(attempt: number, options: DeliveryOptions): number {
  const { retryBaseSeconds = 1, retryMaxSeconds = 300, random } = options;
  const backOff = { baseMs: retryBaseSeconds * 1000, maxMs: retryMaxSeconds * 1000 };
  return Math.ceil(backOffMs(attempt, backOff, chanceOf(random)) / 1000);
}
