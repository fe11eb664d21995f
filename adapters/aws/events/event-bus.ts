import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { DomainError } from '../../../core/errors.ts';
import { requireConsumerName } from '../../../core/events/consumer-name.ts';
import type { Consumer, EventBus } from '../../../core/ports/event-bus.ts';
import { throwAs } from '../store/errors.ts';
import { DeadLetters } from './dead-letters.ts';
import { type DeliveryOptions, deadLetterAbandoned, deliver } from './delivery.ts';
import { putEventsEntry } from './event-record.ts';
import { pollQueue } from './queue-poller.ts';
import { openDeadLetters, queueUrl } from './replay.ts';

export interface EventBusOptions extends DeliveryOptions {
  readonly events: EventBridgeClient;
  readonly sqs: SQSClient;
  /** The bus's name or ARN. */
  readonly busName: string;
  /** A consumer's queue is named `<queuePrefix><consumer>`, and its dead-letter queue `<queuePrefix><consumer>-dead`. */
  readonly queuePrefix: string;
  /** Creates a consumer's rule and queues; `publish` waits for it. @default - the stack has created them */
  readonly prepare?: (consumer: Consumer) => Promise<void>;
  /** How long a receive call waits for a message, and so how long closing a subscription may take. @default 5 */
  readonly waitSeconds?: number;
}

export interface AwsEventBus extends EventBus {
  /** Ends delivery. Resolves when the handlers in flight have ended. Idempotent. */
  close(): Promise<void>;
}

/** The limits of one PutEvents call. @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_ENTRIES = 10;
const MAX_BYTES = 256 * 1024;

/**
 * The EventBus port over EventBridge: for each consumer, a rule sends events to an SQS queue. `subscribe` is for
 * long-running processes; a Lambda function with such a queue as its source calls `deliver` for each record instead.
 */
export function openEventBus(options: EventBusOptions): AwsEventBus {
  const { events, busName, table, log } = options;
  const letters = new DeadLetters(table);
  const subscriptions = new Map<string, { close(): Promise<void> }>();
  const preparing = new Set<Promise<void>>();

  return {
    async publish(published) {
      await Promise.all(preparing);
      const once = new Map(published.map((event) => [event.id, event]));
      for (const batch of batchesOf(Array.from(once.values(), (event) => putEventsEntry(event, busName)))) {
        await putEvents(events, batch);
      }
    },

    subscribe(consumer) {
      requireConsumerName(consumer.name);
      if (subscriptions.has(consumer.name)) {
        throw new DomainError('CONFLICT', `consumer '${consumer.name}' must not subscribe twice in one process`);
      }
      const prepared = (options.prepare?.(consumer) ?? Promise.resolve()).finally(() => preparing.delete(prepared));
      preparing.add(prepared);
      const polling = prepared.then(() => startPolling(consumer, letters, options));
      polling.catch((error: unknown) =>
        log.error({ err: error, consumer: consumer.name }, 'the queues of a consumer cannot be found'),
      );
      const subscription = {
        async close() {
          await (await polling.catch(() => undefined))?.close();
          subscriptions.delete(consumer.name);
        },
      };
      subscriptions.set(consumer.name, subscription);
      return subscription;
    },

    ...openDeadLetters(options),

    forgetTenant: (tenantId) => letters.deleteOf(tenantId),

    async close() {
      await Promise.all(Array.from(subscriptions.values(), (subscription) => subscription.close()));
    },
  };
}

async function startPolling(
  consumer: Consumer,
  letters: DeadLetters,
  options: EventBusOptions,
): Promise<{ close(): Promise<void> }> {
  const { sqs, clock, log, waitSeconds = 5, queuePrefix } = options;
  const [live, dead] = await Promise.all([
    queueUrl(sqs, `${queuePrefix}${consumer.name}`),
    queueUrl(sqs, `${queuePrefix}${consumer.name}-dead`),
  ]);
  const pollers = [
    pollQueue(live, consumer.concurrency ?? 1, (message) => deliver(consumer, message, letters, options), {
      ...{ sqs, clock, log, waitSeconds },
    }),
    pollQueue(
      dead,
      1,
      async (message) => {
        await deadLetterAbandoned(consumer, message, letters, options);
        return 'done';
      },
      { sqs, clock, log, waitSeconds },
    ),
  ];
  return {
    async close() {
      await Promise.all(pollers.map((poller) => poller.close()));
    },
  };
}

function batchesOf(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const batches: PutEventsRequestEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = Buffer.byteLength(JSON.stringify(entry));
    if (bytes > MAX_BYTES)
      throw new DomainError('TOO_LARGE', `event must have at most ${MAX_BYTES} bytes, got ${bytes}`);
    const batch = batches.at(-1);
    if (batch && batch.length < MAX_ENTRIES && bytes <= room) batch.push(entry);
    else {
      batches.push([entry]);
      room = MAX_BYTES;
    }
    room -= bytes;
  }
  return batches;
}

/** PutEvents succeeds even if it refuses every entry. Its response names the refused ones. */
async function putEvents(events: EventBridgeClient, batch: PutEventsRequestEntry[]): Promise<void> {
  const response = await events.send(new PutEventsCommand({ Entries: batch })).catch(throwAs('EventBridge'));
  if ((response.FailedEntryCount ?? 0) === 0) return;
  const codes = new Set((response.Entries ?? []).flatMap(({ ErrorCode }) => ErrorCode ?? []));
  throw new DomainError(
    'UNAVAILABLE',
    `EventBridge refused ${response.FailedEntryCount} of ${batch.length} events: ${[...codes].join(', ')}`,
  );
}
