import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { openTenantQueue } from '../../adapters/aws/events/tenant-queue.ts';
import { functionLog } from '../../adapters/aws/log.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import type { TenantMessage } from '../../core/progress/tenant-message.ts';
import { sweepOnce } from '../provisioner/sweep.ts';
import { readEnvironment } from './environment.ts';

/** Sends every tenant whose work is due to the work queue, for example because a message or a function was lost. */
const environment = readEnvironment(process.env, ['TIERPLANE_TABLE', 'TIERPLANE_WORK_QUEUE']);
const table = openTable({ client: new DynamoDBClient(), tableName: environment.TIERPLANE_TABLE, clock, random });
const work = openTenantQueue(new SQSClient(), environment.TIERPLANE_WORK_QUEUE);

/** Invoked every minute. */
export async function handler(): Promise<void> {
  const due: TenantMessage[] = [];
  await sweepOnce({ table, clock }, ({ tenantId }) => void due.push({ tenantId, dueAt: clock.now() }));
  await work.send(due);
  if (due.length > 0) functionLog.info({ tenants: due.length }, 'tenants are due');
}
