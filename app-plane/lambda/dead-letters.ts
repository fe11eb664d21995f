import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { DeadLetters } from '../../adapters/aws/events/dead-letters.ts';
import { deadLetterAbandoned } from '../../adapters/aws/events/delivery.ts';
import { createBatchHandler } from '../../adapters/aws/events/message-batch.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { ACCEPT_CONSUMER } from '../provisioner/accept.ts';
import { readEnvironment } from './environment.ts';

/**
 * Stores the messages of the accept function's dead-letter queue as dead letters, which operators list and replay. The accept
 * function stores other dead letters itself. The messages here made it crash or time out at every attempt.
 */
const { TIERPLANE_TABLE: tableName } = readEnvironment(process.env, ['TIERPLANE_TABLE']);
const table = openTable({ client: new DynamoDBClient(), tableName, clock, random });
const letters = new DeadLetters(table);

export const handler = createBatchHandler(
  async (message) => {
    await deadLetterAbandoned({ name: ACCEPT_CONSUMER }, message, letters, { table, clock, random, log });
    return 'done';
  },
  { sqs: new SQSClient(), log },
);
