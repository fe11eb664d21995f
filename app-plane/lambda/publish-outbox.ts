import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { openEventBus } from '../../adapters/aws/events/event-bus.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { drainOutbox } from '../../core/events/publisher.ts';
import { readEnvironment } from './environment.ts';

/** Triggered by the table's stream when an event is written, and every minute as a fallback. */
const environment = readEnvironment(process.env, ['TIERPLANE_TABLE', 'TIERPLANE_BUS', 'TIERPLANE_PREFIX']);
const table = openTable({ client: new DynamoDBClient(), tableName: environment.TIERPLANE_TABLE, clock, random });
const bus = openEventBus({
  ...{ events: new EventBridgeClient(), sqs: new SQSClient(), busName: environment.TIERPLANE_BUS },
  ...{ queuePrefix: `${environment.TIERPLANE_PREFIX}-`, table, clock, random, log },
});

/** @throws if events remain in the outbox, so that the stream invokes the function again */
export async function handler(): Promise<void> {
  await drainOutbox({ table, bus, log });
}
