import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from './emulated-account.ts';

export interface SeenEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A consumer of an event bus, as another part of the platform would be: a queue and the permission to publish. */
export interface BusWatch {
  /** The events since the last call, oldest first. Waits up to `seconds` for the first one. @default 10 s */
  seen(seconds?: number): Promise<SeenEvent[]>;
  /** Publishes as the account's root user, which may use any source. */
  put(event: SeenEvent): Promise<void>;
  /** Removes the rule and the queue from the account. */
  remove(): Promise<void>;
  close(): void;
}

export function clientConfig({ endpoint }: EmulatedAccount) {
  return { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

/** Adds a rule with a queue to a bus for the given detail types. @param name the name of rule and queue */
export async function watchBus(
  account: EmulatedAccount,
  busArn: string,
  name: string,
  detailTypes: readonly string[],
): Promise<BusWatch> {
  const events = new EventBridgeClient(clientConfig(account));
  const sqs = new SQSClient(clientConfig(account));
  const busName = busArn.split('/').at(-1) ?? '';
  const queue = { sqs, url: await createRuleWithQueue({ events, sqs, busName, name, detailTypes }) };
  return {
    seen: (seconds = 10) => receiveAll(queue, seconds),
    async put({ source: Source, detailType: DetailType, detail }) {
      const entry = { EventBusName: busName, Source, DetailType, Detail: JSON.stringify(detail) };
      const { FailedEntryCount } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount !== 0) throw new Error(`the bus refused ${DetailType}`);
    },
    async remove() {
      await events.send(new RemoveTargetsCommand({ Rule: name, EventBusName: busName, Ids: ['queue'] }));
      await events.send(new DeleteRuleCommand({ Name: name, EventBusName: busName }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl: queue.url }));
    },
    close() {
      events.destroy();
      sqs.destroy();
    },
  };
}

/** @returns the URL of the queue */
async function createRuleWithQueue({
  events,
  sqs,
  busName,
  name,
  detailTypes,
}: {
  readonly events: EventBridgeClient;
  readonly sqs: SQSClient;
  readonly busName: string;
  readonly name: string;
  readonly detailTypes: readonly string[];
}): Promise<string> {
  const queueArn = `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${name}`;
  const policy = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queueArn,
      Condition: {
        ArnEquals: {
          'aws:SourceArn': `arn:aws:events:${REGION}:${ACCOUNT_ID}:rule/${busName === 'default' ? '' : `${busName}/`}${name}`,
        },
      },
    },
  };
  const created = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { Policy: JSON.stringify(policy) } }),
  );
  const EventPattern = JSON.stringify({ 'detail-type': detailTypes });
  await events.send(new PutRuleCommand({ Name: name, EventBusName: busName, EventPattern }));
  const target = { Rule: name, EventBusName: busName, Targets: [{ Id: 'queue', Arn: queueArn }] };
  await events.send(new PutTargetsCommand(target));
  return created.QueueUrl ?? '';
}

/** Receives until the queue is empty. */
async function receiveAll(
  { sqs, url: QueueUrl }: { readonly sqs: SQSClient; readonly url: string },
  seconds: number,
): Promise<SeenEvent[]> {
  const found: SeenEvent[] = [];
  for (let wait = seconds; ; wait = 0) {
    const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: wait };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(input));
    if (Messages.length === 0) return found;
    for (const { Body = '', ReceiptHandle } of Messages) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      const message = JSON.parse(Body) as SeenEvent & { 'detail-type': string };
      found.push({ source: message.source, detailType: message['detail-type'], detail: message.detail });
    }
  }
}
