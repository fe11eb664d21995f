import { AsyncLocalStorage } from 'node:async_hooks';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { TIERS } from '../../tenant-templates/tiers.ts';
import { createControlPlane } from '../api/dispatch.ts';
import { createRateLimiter } from '../api/rate-limit.ts';
import { readEnvironment } from './environment.ts';
import { toRequest, toResult } from './http-event.ts';
import { functionLog } from './log.ts';
import { noRuntime } from './no-runtime.ts';
import { principalOf } from './principal.ts';
import { openBus, openMail, openStore, openUsers } from './world.ts';

/** The control plane's handlers behind API Gateway. All of SBT's functions run this; their roles tell them apart. */
const environment = readEnvironment(process.env);
const store = openStore(environment);
/** The event a request came by: each invocation sees its own. */
const invocation = new AsyncLocalStorage<APIGatewayProxyEventV2>();

const controlPlane = createControlPlane(
  {
    ...store,
    identity: openUsers(environment, store.table),
    mailer: openMail(environment),
    log: functionLog,
    operator: {
      runtime: noRuntime,
      bus: openBus(environment, store.table),
      tiers: TIERS,
      progress: async () => [],
      status: async () => ({ home: 'aws', region: environment.AWS_REGION }),
    },
    signUpLimiter: createRateLimiter(store.clock),
    appUrl: environment.TIERPLANE_APP_URL,
    basePath: '',
  },
  () => {
    const event = invocation.getStore();
    if (!event) throw new Error('a request without its event');
    return principalOf(event, { table: store.table, machineClientId: environment.TIERPLANE_MACHINE_CLIENT });
  },
);

export function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  return invocation.run(event, async () =>
    toResult(await controlPlane(toRequest(event)), event.requestContext.requestId),
  );
}
