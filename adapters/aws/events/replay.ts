import { GetQueueUrlCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { DomainError } from '../../../core/errors.ts';
import type { EventBus } from '../../../core/ports/event-bus.ts';
import type { Table } from '../../../core/ports/table.ts';
import { throwAs } from '../store/errors.ts';
import { DeadLetters } from './dead-letters.ts';
import { replayBody } from './event-record.ts';

export interface DeadLetterOptions {
  /** Holds the dead letters. */
  readonly table: Table;
  readonly sqs: SQSClient;
  /** A consumer's queue is named `<queuePrefix><consumer>`. */
  readonly queuePrefix: string;
}

/** Lists the dead letters of consumers, and sends them to the queue of their consumer again. */
export function openDeadLetters({
  table,
  sqs,
  queuePrefix,
}: DeadLetterOptions): Pick<EventBus, 'deadLetters' | 'replay'> {
  const letters = new DeadLetters(table);
  return {
    deadLetters: (page) => letters.page(page),

    async replay(id) {
      const found = await letters.find(id);
      if (!found) throw new DomainError('NOT_FOUND', 'dead letter not found');
      // Sent before it is deleted: a crash in between leaves it listed, but never loses it.
      const { consumer, event } = found.letter;
      const QueueUrl = await queueUrl(sqs, `${queuePrefix}${consumer}`);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: replayBody(event) })).catch(throwAs('SQS'));
      await letters.remove(found);
    },
  };
}

/** The URL of the queue with this name. Throws INTERNAL if there is none. */
export async function queueUrl(sqs: SQSClient, name: string): Promise<string> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name })).catch(throwAs('SQS'));
  if (!QueueUrl) throw new DomainError('INTERNAL', `SQS has no queue '${name}'`);
  return QueueUrl;
}
