import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from './emulated-account.ts';

export interface SeenEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What another part of the platform would see of a bus: a queue of its own, and the right to publish. */
export interface BusWatch {
  /** Events that have come since it was last asked, oldest first; waits up to `seconds` for the first. */
  seen(seconds?: number): Promise<SeenEvent[]>;
  /** As the account's root user, who may speak for anybody. */
  put(event: SeenEvent): Promise<void>;
  close(): void;
}

export function clientConfig({ endpoint }: EmulatedAccount) {
  return { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

/** Adds a rule with a queue to a bus, for the detail types given. @param name of both */
export async function watchBus(
  account: EmulatedAccount,
  busArn: string,
  name: string,
  detailTypes: readonly string[],
): Promise<BusWatch> {
  const events = new EventBridgeClient(clientConfig(account));
  const sqs = new SQSClient(clientConfig(account));
  const busName = busArn.split('/').at(-1) ?? '';
  const queueArn = `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${name}`;
  const policy = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queueArn,
      Condition: { ArnEquals: { 'aws:SourceArn': `arn:aws:events:${REGION}:${ACCOUNT_ID}:rule/${busName}/${name}` } },
    },
  };
  const created = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { Policy: JSON.stringify(policy) } }),
  );
  const QueueUrl = created.QueueUrl ?? '';
  const EventPattern = JSON.stringify({ 'detail-type': detailTypes });
  await events.send(new PutRuleCommand({ Name: name, EventBusName: busName, EventPattern }));
  const target = { Rule: name, EventBusName: busName, Targets: [{ Id: 'queue', Arn: queueArn }] };
  await events.send(new PutTargetsCommand(target));

  return {
    async seen(seconds = 10) {
      const found: SeenEvent[] = [];
      for (let wait = seconds; ; wait = 0) {
        const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: wait };
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(input));
        if (Messages.length === 0) return found;
        for (const { Body = '', ReceiptHandle } of Messages) {
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          const {
            source,
            detail,
            'detail-type': detailType,
          } = JSON.parse(Body) as SeenEvent & { 'detail-type': string };
          found.push({ source, detailType, detail });
        }
      }
    },
    async put({ source: Source, detailType: DetailType, detail }) {
      const entry = { EventBusName: busName, Source, DetailType, Detail: JSON.stringify(detail) };
      const { FailedEntryCount } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount !== 0) throw new Error(`the bus refused ${DetailType}`);
    },
    close() {
      events.destroy();
      sqs.destroy();
    },
  };
}
