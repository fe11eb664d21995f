import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { openEventBus } from '../../../../adapters/aws/events/event-bus.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { envelope } from '../../../../core/events/events.ts';
import { outboxWrites } from '../../../../core/events/outbox.ts';
import { OUTBOX } from '../../../../core/events/outbox-partitions.ts';
import { drainOutbox } from '../../../../core/events/publisher.ts';
import { put } from '../../../../core/ports/table.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { until } from '../../../support/until.ts';
import { outboxContract } from '../../contract/outbox.suite.ts';
import { createBus } from './consumer-queues.ts';

const TENANT = { tenantId: '01hzzzzzzzzzzzzzzzzzzzzzzz', tenantRegistrationId: 'reg-01hzzzzzzzzzzzzzzzzzzzzzzz' };

describeInAccount('the outbox in an emulated account', (account) => {
  let homes = 0;
  outboxContract('DynamoDB and EventBridge', async () => {
    const config = clientConfig(account());
    const [events, sqs] = [new EventBridgeClient(config), new SQSClient(config)];
    const busName = `contract-${homes++}`;
    const table = await createTable(new DynamoDBClient(config), busName);
    const bus = openEventBus({
      ...{ events, sqs, busName, table, clock: systemClock, random: systemRandom, log: silentLog, waitSeconds: 1 },
      ...(await createBus(events, sqs, busName)),
    });
    return { table, bus, close: () => bus.close() };
  });

  test.each(['before', 'after'])(
    'delivers an event with one effect if the publisher is killed %s the event is on the bus',
    async (when) => {
      const config = clientConfig(account());
      const [events, sqs] = [new EventBridgeClient(config), new SQSClient(config)];
      const busName = `outbox-${when}`;
      const table = await createTable(new DynamoDBClient(config), busName);
      const bus = openEventBus({
        ...{ events, sqs, busName, table, clock: systemClock, random: systemRandom, log: silentLog, waitSeconds: 1 },
        ...(await createBus(events, sqs, busName)),
      });
      try {
        const effects: string[] = [];
        bus.subscribe({
          name: 'effects',
          detailTypes: ['offboardingRequest'],
          handle: async ({ id }) => void effects.push(id),
        });
        await bus.publish([]);
        const event = (id: string) => envelope(id, 'offboardingRequest', TENANT, systemClock.now());
        await table.transact([put({ pk: 'state', sk: 'x', version: 1, data: {} }), ...outboxWrites([event('first')])]);

        const dying = spawn(
          process.execPath,
          [join(import.meta.dirname, 'publish-and-die.ts'), busName, busName, when],
          {
            env: { ...account().environment, NODE_NO_WARNINGS: '1' },
            stdio: 'inherit',
          },
        );
        expect(await once(dying, 'exit')).toEqual([null, 'SIGKILL']);
        expect((await table.query({ ...OUTBOX, limit: 10 })).items).toHaveLength(1);

        await drainOutbox({ table, bus, log: silentLog });
        expect((await table.query({ ...OUTBOX, limit: 10 })).items).toEqual([]);
        await table.transact(outboxWrites([event('second')]));
        await drainOutbox({ table, bus, log: silentLog });
        await until(() => effects.includes('second'));
        expect(effects).toEqual(['first', 'second']);
      } finally {
        await bus.close();
      }
    },
  );
});
