import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock } from '../../../../adapters/aws/clock.ts';
import { openEventBus } from '../../../../adapters/aws/events/event-bus.ts';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../../../adapters/shared/clock.ts';
import { drainOutbox } from '../../../../core/events/publisher.ts';
import { silentLog as log } from '../../../support/silent-log.ts';

/** `node publish-and-die.ts TABLE BUS before|after`: publishes the outbox and is killed before or after the events are on the bus. */
const [, , tableName = '', busName = '', when] = process.argv;
const table = openTable({ client: new DynamoDBClient(), tableName, clock, random });
const bus = openEventBus({
  events: new EventBridgeClient(),
  sqs: new SQSClient(),
  busName,
  queuePrefix: `${busName}-`,
  ...{ table, clock, random, log },
});
const dying = {
  ...bus,
  async publish(events: Parameters<typeof bus.publish>[0]): Promise<void> {
    if (when === 'after') await bus.publish(events);
    process.kill(process.pid, 'SIGKILL');
  },
};
await drainOutbox({ table, bus: dying, log });
