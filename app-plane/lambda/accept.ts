import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { DeadLetters } from '../../adapters/aws/events/dead-letters.ts';
import { deliver } from '../../adapters/aws/events/delivery.ts';
import { createBatchHandler } from '../../adapters/aws/events/message-batch.ts';
import { openTenantQueue } from '../../adapters/aws/events/tenant-queue.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { SERVICES, TIERS } from '../../tenant-templates/tiers.ts';
import { createAcceptConsumer } from '../provisioner/accept.ts';
import { readEnvironment } from './environment.ts';

/** Receives the control plane's requests: writes each tenant's placement, and sends the tenant to the work queue. */
const environment = readEnvironment(process.env, ['TIERPLANE_TABLE', 'TIERPLANE_WORK_QUEUE']);
const table = openTable({ client: new DynamoDBClient(), tableName: environment.TIERPLANE_TABLE, clock, random });
const sqs = new SQSClient();
const work = openTenantQueue(sqs, environment.TIERPLANE_WORK_QUEUE);
const letters = new DeadLetters(table);

const consumer = createAcceptConsumer({
  ...{ table, clock, tiers: TIERS },
  shapeOf: (spec) => shapeOf(spec, TIERS, SERVICES),
  // Lambda bounds the concurrency.
  concurrency: 1,
  queue: ({ tenantId }) => work.send([{ tenantId }]),
  checkpoint: () => undefined,
});

export const handler = createBatchHandler(
  (message) => deliver(consumer, message, letters, { table, clock, random, log }),
  { sqs, log },
);
