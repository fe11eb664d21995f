import {
  CreateEventBusCommand,
  type EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Consumer } from '../../../../core/ports/event-bus.ts';
import { ACCOUNT_ID, REGION } from '../../../../rehearsal/emulated-account.ts';

/** An event bus whose consumers get rules and queues like those that the stack creates. */
export async function createBus(events: EventBridgeClient, sqs: SQSClient, busName: string) {
  await events.send(new CreateEventBusCommand({ Name: busName }));
  const queuePrefix = `${busName}-`;

  async function prepare({ name, detailTypes, maxAttempts = 8 }: Consumer): Promise<void> {
    const queue = `${queuePrefix}${name}`;
    const arn = (QueueName: string): string => `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${QueueName}`;
    const rule = `arn:aws:events:${REGION}:${ACCOUNT_ID}:rule/${busName}/${name}`;
    await sqs.send(new CreateQueueCommand({ QueueName: `${queue}-dead` }));
    await sqs.send(
      new CreateQueueCommand({
        QueueName: queue,
        Attributes: {
          VisibilityTimeout: '30',
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: arn(`${queue}-dead`),
            maxReceiveCount: maxAttempts + 3,
          }),
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: {
              Effect: 'Allow',
              Principal: { Service: 'events.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: arn(queue),
              Condition: { ArnEquals: { 'aws:SourceArn': rule } },
            },
          }),
        },
      }),
    );
    const target = { EventBusName: busName, Rule: name };
    const EventPattern = JSON.stringify({ 'detail-type': detailTypes });
    await events.send(new PutRuleCommand({ EventBusName: busName, Name: name, EventPattern }));
    await events.send(new PutTargetsCommand({ ...target, Targets: [{ Id: 'queue', Arn: arn(queue) }] }));
  }

  return { queuePrefix, prepare };
}
