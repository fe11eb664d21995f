import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetQueueUrlCommand, SendMessageCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type EventBusOptions, openEventBus } from '../../../../adapters/aws/events/event-bus.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import type { Envelope } from '../../../../core/ports/event-bus.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { until } from '../../../support/until.ts';
import { eventBusContract, type OpenBus } from '../../contract/event-bus.suite.ts';
import { createBus } from './consumer-queues.ts';

const event = (id: string, more: Partial<Envelope> = {}): Envelope => ({
  id,
  source: 'test',
  detailType: 'a',
  detail: {},
  time: '2026-01-01T00:00:00.123Z',
  ...more,
});

describeInAccount('an emulated account', (account) => {
  let buses = 0;
  let dynamo: DynamoDBClient;
  let events: EventBridgeClient;
  let sqs: SQSClient;

  beforeAll(() => {
    dynamo = new DynamoDBClient(clientConfig(account()));
    events = new EventBridgeClient(clientConfig(account()));
    sqs = new SQSClient(clientConfig(account()));
  });

  async function open(): Promise<OpenBus & { readonly options: EventBusOptions }> {
    const busName = `bus-${buses++}`;
    const options: EventBusOptions = {
      table: await createTable(dynamo, busName),
      ...{ events, sqs, busName, clock: systemClock, random: systemRandom, log: silentLog },
      ...{ waitSeconds: 1, retryBaseSeconds: 1, retryMaxSeconds: 1 },
      ...(await createBus(events, sqs, busName)),
    };
    const bus = openEventBus(options);
    return { bus, options, close: () => bus.close() };
  }

  eventBusContract('EventBridge', open);

  describe('EventBridge', () => {
    test('publishes more events than one request accepts, by count and by size', async () => {
      const { bus, close } = await open();
      const got: string[] = [];
      try {
        bus.subscribe({
          name: 'all',
          detailTypes: ['a'],
          concurrency: 10,
          handle: async ({ id }) => void got.push(id),
        });
        const big = { text: 'x'.repeat(100 * 1024) };
        await bus.publish([
          ...Array.from({ length: 25 }, (_, i) => event(`${i}`)),
          ...Array.from({ length: 4 }, (_, i) => event(`big ${i}`, { detail: big })),
        ]);
        await until(() => got.length === 29);
        const tooBig = event('too big', { detail: { text: 'x'.repeat(256 * 1024) } });
        await expect(bus.publish([tooBig])).rejects.toMatchObject({ code: 'TOO_LARGE' });
      } finally {
        await close();
      }
    });

    test('fails if the bus refuses the events of a successful request', async () => {
      const { options, close } = await open();
      try {
        const refused = openEventBus(options).publish([event('1', { source: 'aws.ours' })]);
        await expect(refused).rejects.toMatchObject({
          code: 'UNAVAILABLE',
          message: expect.stringContaining('NotAuthorizedForSource'),
        });
      } finally {
        await close();
      }
    });

    test('SE-1.4: delivers nothing to a queue whose policy does not allow the rule', async () => {
      const { options, bus, close } = await open();
      const got: string[] = [];
      try {
        const consumer = {
          name: 'closed',
          detailTypes: ['a'],
          handle: async ({ id }: Envelope) => void got.push(`no ${id}`),
        };
        bus.subscribe(consumer);
        bus.subscribe({ ...consumer, name: 'open', handle: async ({ id }) => void got.push(id) });
        await bus.publish([event('1')]);
        await until(() => got.length === 2);
        const QueueUrl = await urlOf(`${options.queuePrefix}closed`);
        await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: '' } }));
        await bus.publish([event('2'), event('3')]);
        await until(() => got.includes('3'));
        expect(got.filter((id) => id.startsWith('no'))).toEqual(['no 1']);
      } finally {
        await close();
      }
    });

    test('stores a message as a dead letter after its consumer has crashed too often', async () => {
      const { options, bus, close } = await open();
      try {
        bus.subscribe({ name: 'fragile', detailTypes: ['a'], handle: async () => {} });
        await bus.publish([]);
        const record = {
          id: '7',
          source: 'test',
          'detail-type': 'a',
          time: event('7').time,
          resources: [],
          detail: {},
        };
        const QueueUrl = await urlOf(`${options.queuePrefix}fragile-dead`);
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(record) }));
        const [letter] = await until(async () => {
          const { items } = await bus.deadLetters({ limit: 10 });
          return items.length > 0 ? items : undefined;
        });
        expect(letter).toMatchObject({ id: 'fragile~7', consumer: 'fragile', event: event('7') });
        expect(letter?.reason).toBe('the consumer ended while it handled this event, in every attempt');
      } finally {
        await close();
      }
    });

    test('ignores a message that is not an event and continues', async () => {
      const { options, bus, close } = await open();
      const got: string[] = [];
      try {
        bus.subscribe({ name: 'strict', detailTypes: ['a'], handle: async ({ id }) => void got.push(id) });
        await bus.publish([]);
        const QueueUrl = await urlOf(`${options.queuePrefix}strict`);
        for (const MessageBody of ['no JSON', '{"id":1}', '[]']) {
          await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
        }
        await bus.publish([event('1')]);
        await until(() => got.length === 1);
        expect((await bus.deadLetters({ limit: 10 })).items).toEqual([]);
      } finally {
        await close();
      }
    });
  });

  async function urlOf(QueueName: string): Promise<string> {
    return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? '';
  }
});
