import { ChangeMessageVisibilityCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../../../core/ports/log.ts';
import type { Message, Outcome } from './delivery.ts';

/** A message as a function receives it from its queue. */
interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly eventSourceARN: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
}

/** The event of a function whose event source is a queue, with reports of single failures. */
export interface MessageBatch {
  readonly Records: readonly ReceivedMessage[];
}

/** Lambda's context of an invocation. */
export interface Invocation {
  /** Milliseconds until Lambda ends the function. */
  getRemainingTimeInMillis(): number;
}

/** The messages that the queue must deliver again. Lambda deletes the others. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * Handles the messages of one invocation, all at the same time. A message whose outcome is a wait becomes visible after it. A
 * message whose handling throws becomes visible after the queue's visibility timeout.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function createBatchHandler(
  handle: (message: Message, invocation: Invocation) => Promise<Outcome>,
  { sqs, log }: { readonly sqs: SQSClient; readonly log: Log },
): (batch: MessageBatch, invocation: Invocation) => Promise<BatchResponse> {
  const urls = new Map<string, string | undefined>();

  async function urlOf(arn: string): Promise<string | undefined> {
    if (!urls.has(arn)) {
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: arn.split(':').at(-1) }));
      urls.set(arn, QueueUrl);
    }
    return urls.get(arn);
  }

  /** @returns whether the message is done */
  async function handleOne(received: ReceivedMessage, invocation: Invocation): Promise<boolean> {
    const { messageId, receiptHandle, body, eventSourceARN, attributes } = received;
    try {
      const outcome = await handle({ body, attempt: Number(attributes.ApproximateReceiveCount) }, invocation);
      if (outcome === 'done') return true;
      const QueueUrl = await urlOf(eventSourceARN);
      const VisibilityTimeout = outcome.retryAfterSeconds;
      await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout }));
    } catch (error) {
      log.error({ err: error, messageId }, 'message not handled; the queue will deliver it again');
    }
    return false;
  }

  return async ({ Records }, invocation) => {
    const done = await Promise.all(Records.map((one) => handleOne(one, invocation)));
    const failed = Records.filter((_, i) => !done[i]);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}
