import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { GetQueueUrlCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { DomainError } from '../../../core/errors.ts';
import type { Consumer, EventBus } from '../../../core/ports/event-bus.ts';
import { asDomainError } from '../store/errors.ts';
import { DeadLetters } from './dead-letters.ts';
import { buryAbandoned, type DeliveryOptions, deliver } from './delivery.ts';
import { putEventsEntry, replayBody } from './event-record.ts';
import { pollQueue } from './queue-poller.ts';

export interface EventBusOptions extends DeliveryOptions {
  readonly events: EventBridgeClient;
  readonly sqs: SQSClient;
  /** Name or ARN. */
  readonly busName: string;
  /** A consumer's queue is `<queuePrefix><consumer>`, its dead-letter queue the same with `-dead` behind it. */
  readonly queuePrefix: string;
  /** Makes a consumer's rule and queues; nothing is published while it does. @default - the stack has made them */
  readonly prepare?: (consumer: Consumer) => Promise<void>;
  /** How long a receive waits for a message, and so how long closing a subscription may take. @default 5 */
  readonly waitSeconds?: number;
}

export interface AwsEventBus extends EventBus {
  /** Ends delivery and waits for handlers in flight. Idempotent. */
  close(): Promise<void>;
}

/** PutEvents takes so many entries, and so many bytes of them, at once. */
const MOST_ENTRIES = 10;
const MOST_BYTES = 256 * 1024;

const CONSUMER_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

/**
 * The EventBus port over EventBridge: a rule fills a queue of SQS for each consumer. `subscribe` is for long-running
 * processes; a Lambda function on a queue uses `deliver` (delivery.ts) for each of its records instead.
 */
export function openEventBus(options: EventBusOptions): AwsEventBus {
  const { events, sqs, busName, table, log, queuePrefix } = options;
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
      if (!CONSUMER_NAME.test(consumer.name)) {
        throw new DomainError('INVALID', `name of a consumer must match ${CONSUMER_NAME}, got '${consumer.name}'`);
      }
      if (subscriptions.has(consumer.name)) {
        throw new DomainError('CONFLICT', `consumer '${consumer.name}' has subscribed already`);
      }
      const prepared = (options.prepare?.(consumer) ?? Promise.resolve()).finally(() => preparing.delete(prepared));
      preparing.add(prepared);
      const polling = prepared.then(() => startPolling(consumer, letters, options));
      polling.catch((error: unknown) => log.error({ err: error, consumer: consumer.name }, 'consumer has no queue'));
      const subscription = {
        async close() {
          await (await polling.catch(() => undefined))?.close();
          subscriptions.delete(consumer.name);
        },
      };
      subscriptions.set(consumer.name, subscription);
      return subscription;
    },

    deadLetters: (page) => letters.page(page),

    async replay(id) {
      const found = await letters.find(id);
      if (!found) throw new DomainError('NOT_FOUND', 'no dead letter has this id');
      // Sent before it is forgotten: an end in between leaves it listed, never lost.
      const { consumer, event } = found.letter;
      const QueueUrl = await queueUrl(sqs, `${queuePrefix}${consumer}`);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: replayBody(event) })).catch(fail('SQS'));
      await letters.remove(found);
    },

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
        await buryAbandoned(consumer, message, letters, options);
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
    if (bytes > MOST_BYTES)
      throw new DomainError('TOO_LARGE', `an event takes at most ${MOST_BYTES} bytes, got ${bytes}`);
    const batch = batches.at(-1);
    if (batch && batch.length < MOST_ENTRIES && bytes <= room) batch.push(entry);
    else {
      batches.push([entry]);
      room = MOST_BYTES;
    }
    room -= bytes;
  }
  return batches;
}

/** PutEvents succeeds though it took none of the entries: what it refused is in its answer. */
async function putEvents(events: EventBridgeClient, batch: PutEventsRequestEntry[]): Promise<void> {
  const answer = await events.send(new PutEventsCommand({ Entries: batch })).catch(fail('EventBridge'));
  if ((answer.FailedEntryCount ?? 0) === 0) return;
  const codes = new Set((answer.Entries ?? []).flatMap(({ ErrorCode }) => ErrorCode ?? []));
  throw new DomainError(
    'UNAVAILABLE',
    `EventBridge refused ${answer.FailedEntryCount} of ${batch.length} events: ${[...codes].join(', ')}`,
  );
}

async function queueUrl(sqs: SQSClient, name: string): Promise<string> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name })).catch(fail('SQS'));
  if (!QueueUrl) throw new DomainError('INTERNAL', `SQS knows no queue '${name}'`);
  return QueueUrl;
}

function fail(service: string): (error: unknown) => never {
  return (error) => {
    throw asDomainError(service, error);
  };
}
