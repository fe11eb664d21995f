import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type SQSClient,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import { pause } from '../../../core/time/wait.ts';
import type { Message, Outcome } from './delivery.ts';

export interface PollerOptions {
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a receive call waits for a message, and so how long `close` may take. */
  readonly waitSeconds: number;
}

/** Most messages of one SQS receive call. */
const MAX_MESSAGES = 10;
const PAUSE_AFTER_ERROR_MS = 1_000;

/**
 * Receives messages from a queue, at most `concurrency` at a time, and passes them to `handle`. If it throws, the message
 * becomes visible again after the queue's visibility timeout.
 */
export function pollQueue(
  queueUrl: string,
  concurrency: number,
  handle: (message: Message) => Promise<Outcome>,
  { sqs, clock, log, waitSeconds }: PollerOptions,
): { close(): Promise<void> } {
  const running = new Set<Promise<void>>();
  let closed = false;

  async function receive(): Promise<readonly SqsMessage[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(MAX_MESSAGES, concurrency - running.size),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    });
    return (await sqs.send(command)).Messages ?? [];
  }

  async function work({ Body = '', ReceiptHandle, Attributes }: SqsMessage): Promise<void> {
    try {
      const outcome = await handle({ body: Body, attempt: Number(Attributes?.ApproximateReceiveCount ?? 1) });
      const target = { QueueUrl: queueUrl, ReceiptHandle };
      if (outcome === 'done') await sqs.send(new DeleteMessageCommand(target));
      else {
        const command = { ...target, VisibilityTimeout: outcome.retryAfterSeconds };
        await sqs.send(new ChangeMessageVisibilityCommand(command));
      }
    } catch (error) {
      log.warn({ err: error, queueUrl }, 'message not handled; the queue will deliver it again');
    }
  }

  async function run(): Promise<void> {
    while (!closed) {
      if (running.size >= concurrency) {
        await Promise.race(running);
        continue;
      }
      try {
        for (const message of await receive()) {
          const one: Promise<void> = work(message).finally(() => running.delete(one));
          running.add(one);
        }
      } catch (error) {
        log.warn({ err: error, queueUrl }, 'queue cannot be read; trying again');
        await pause(clock, PAUSE_AFTER_ERROR_MS);
      }
    }
    await Promise.all(running);
  }

  const ended = run();
  return {
    async close() {
      closed = true;
      await ended;
    },
  };
}
