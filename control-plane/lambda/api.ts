import { AsyncLocalStorage } from 'node:async_hooks';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { functionLog } from '../../adapters/aws/log.ts';
import { openMailer } from '../../adapters/aws/mail/mailer.ts';
import { createMailLimits } from '../../core/identity/users/mail-limits.ts';
import { reservedSlugs } from '../../core/tenant/reserved-names.ts';
import { pause } from '../../core/time/wait.ts';
import { createRateLimiter } from '../../core/usage/rate-limiter.ts';
import { TIERS } from '../../tenant-templates/tiers.ts';
import { createControlPlane } from '../api/dispatch.ts';
import { type ApiRequest, type ApiResponse, BODY_NOT_UTF8, BODY_TOO_LARGE, MAX_BODY_BYTES } from '../api/http/http.ts';
import { readEnvironment } from './environment.ts';
import { openBus } from './event-bus.ts';
import { bodyBytes, isText, toRequest, toResult } from './http-event.ts';
import { openUsers } from './identity.ts';
import { createMailsInFlight } from './mails-in-flight.ts';
import { noRuntime } from './no-runtime.ts';
import { principalOf } from './principal.ts';
import { openAppPlaneStore, openStore } from './store.ts';

/** The control plane's API behind API Gateway. All functions run this code, each with its own role. */
const environment = readEnvironment(process.env);
const store = openStore(environment);
const appPlane = openAppPlaneStore(environment);
/** Of this instance of the function; SES has limits of the whole account. */
const mailLimits = createMailLimits(store.clock);
const mails = createMailsInFlight(openMailer(new SESv2Client(), environment.TIERPLANE_SENDER));
/** The event of the current invocation. */
const invocation = new AsyncLocalStorage<APIGatewayProxyEventV2>();

const controlPlane = createControlPlane(
  {
    ...store,
    identity: openUsers(environment, store, mailLimits),
    administrators: { table: appPlane.table, identity: openUsers(environment, appPlane) },
    mailLimits,
    discovery: {
      issuer: `https://cognito-idp.${environment.AWS_REGION}.amazonaws.com/${environment.TIERPLANE_ADMIN_POOL}`,
      clientId: environment.TIERPLANE_ADMIN_CLIENT,
    },
    mailer: mails,
    log: functionLog,
    operator: {
      runtime: noRuntime,
      bus: openBus(environment, store),
      tiers: TIERS,
      progress: async () => [],
      status: async () => ({ home: 'aws', clusters: [], region: environment.AWS_REGION }),
    },
    reservedSlugs: reservedSlugs(environment.TIERPLANE_RESERVED_NAMES, [environment.TIERPLANE_APP_URL]),
    signUpLimiter: createRateLimiter(store.clock),
    appUrl: environment.TIERPLANE_APP_URL,
    basePath: '',
    docsPage: async (api) => (await import('./docs-page.ts')).docsPage(api),
  },
  () => {
    const event = invocation.getStore();
    if (!event) throw new Error('principalOf must run within an invocation');
    return principalOf(event, {
      table: store.table,
      machineClientId: environment.TIERPLANE_MACHINE_CLIENT,
      automationClientId: environment.TIERPLANE_AUTOMATION_CLIENT,
    });
  },
);

/** Minimum duration of a successful sign-up; longer than sending a mail usually takes. */
const SIGN_UP_MS = 1_000;

/** Handles one request and writes one log line, which contains no token, no body and no personal name. */
export function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  return invocation.run(event, async () => {
    const started = store.clock.monotonic();
    const request = toRequest(event);
    const response = refusedBody(event, request) ?? (await controlPlane.respond(request));
    await Promise.all([mails.completed(), equalizeSignUp(request, response, started)]);
    const { requestId } = event.requestContext;
    const ms = Math.round(store.clock.monotonic() - started);
    functionLog.info({ requestId, route: event.routeKey, status: response.status, ms }, 'request');
    return toResult(response, { requestId, path: request.path });
  });
}

/** The response to a body that no route accepts, or undefined. */
function refusedBody(event: APIGatewayProxyEventV2, request: ApiRequest): ApiResponse | undefined {
  if (bodyBytes(request) > MAX_BODY_BYTES) return BODY_TOO_LARGE;
  return isText(event) ? undefined : BODY_NOT_UTF8;
}

/** Sign-up with a known address sends a mail and takes longer. A minimum duration hides whether the address is known. */
async function equalizeSignUp({ path }: ApiRequest, { status }: ApiResponse, started: number): Promise<void> {
  if (path !== '/onboarding' || status !== 201) return;
  await pause(store.clock, Math.max(0, started + SIGN_UP_MS - store.clock.monotonic()));
}
