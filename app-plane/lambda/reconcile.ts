import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { createBatchHandler } from '../../adapters/aws/events/message-batch.ts';
import { openTenantQueue, tenantMessageIn } from '../../adapters/aws/events/tenant-queue.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { type BackOff, backOffMs, chanceOf } from '../../core/retry/back-off.ts';
import { firstSuccess } from '../../core/retry/first-success.ts';
import { workOn } from '../provisioner/work-message.ts';
import { readEnvironment } from './environment.ts';
import { openAwsReconciler, RECONCILER_VARIABLES } from './open-reconciler.ts';

/** Brings tenants closer to their desired state. Each message starts a pass over one tenant; passes that are due at once follow. */
const environment = readEnvironment(process.env, [...RECONCILER_VARIABLES, 'TIERPLANE_WORK_QUEUE']);
const open = firstSuccess(() =>
  openAwsReconciler(environment, { clock, random, log, endpointUrl: process.env.AWS_ENDPOINT_URL }),
);
const sqs = new SQSClient();
const work = openTenantQueue(sqs, environment.TIERPLANE_WORK_QUEUE);

/** Another pass may begin if this much time is left, in milliseconds: more than one step takes. */
const PASS_MS = 45_000;
/** Waits after the table or the queue has failed. */
const BACK_OFF: BackOff = { baseMs: 2_000, maxMs: 60_000 };

export const handler = createBatchHandler(
  async ({ body, attempt }, invocation) => {
    try {
      const { table, reconciler } = await open();
      const message = tenantMessageIn(body, environment.TIERPLANE_PREFIX);
      const hasTime = () => invocation.getRemainingTimeInMillis() > PASS_MS;
      const send = (next: Parameters<typeof work.send>[0][number], ms: number) => work.send([next], ms);
      if (message) await workOn(message, { table, clock, reconciler, send, hasTime });
      return 'done';
    } catch (error) {
      log.error({ err: error, attempt }, 'the tenant could not be worked on');
      return { retryAfterSeconds: Math.ceil(backOffMs(attempt, BACK_OFF, chanceOf(random)) / 1_000) };
    }
  },
  { sqs, log },
);
