import { SESv2Client } from '@aws-sdk/client-sesv2';
import { functionLog } from '../../adapters/aws/log.ts';
import { openMailer } from '../../adapters/aws/mail/mailer.ts';
import { createMailLimits } from '../../core/identity/users/mail-limits.ts';
import { PENDING_LIMIT_MINUTES } from '../../core/progress/pending.ts';
import { reservedSlugs } from '../../core/tenant/reserved-names.ts';
import { pause } from '../../core/time/wait.ts';
import { createRateLimiter } from '../../core/usage/rate-limiter.ts';
import { TIERS } from '../../tenant-templates/tiers.ts';
import { APP_PLANE_OPERATIONS } from '../api/app-plane-operations.ts';
import { createControlPlane } from '../api/control-plane.ts';
import type { ControlPlaneDeps } from '../api/http/deps.ts';
import type { ApiRequest, ApiResponse } from '../api/http/http.ts';
import { readEnvironment } from './environment.ts';
import { openBus } from './event-bus.ts';
import { createHttpHandler } from './http-handler.ts';
import { openUsers } from './identity.ts';
import { createMailsInFlight } from './mails-in-flight.ts';
import { principalOf } from './principal.ts';
import { openAppPlaneStore, openStore } from './store.ts';

/** The control plane's API behind API Gateway. All functions run this code, each with its own role. */
const environment = readEnvironment(process.env);
const store = openStore(environment);
const appPlane = openAppPlaneStore(environment);
/** These limits hold per instance of the function. SES has limits for the whole account. */
const mailLimits = createMailLimits(store.clock);
const mails = createMailsInFlight(openMailer(new SESv2Client(), environment.TIERPLANE_SENDER));
/**
 * Work in progress is retried only when the application plane has given it up: a stack may take an hour, and a retry would
 * start its time again.
 */
const STALLED_AFTER_MS = (PENDING_LIMIT_MINUTES + 15) * 60_000;
const deps: ControlPlaneDeps = {
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
    bus: openBus(environment, store),
    tiers: TIERS,
    progress: async () => [],
    status: async () => ({ home: 'aws', clusters: [], region: environment.AWS_REGION }),
  },
  reservedSlugs: reservedSlugs(environment.TIERPLANE_RESERVED_NAMES, [environment.TIERPLANE_APP_URL]),
  signUpLimiter: createRateLimiter(store.clock),
  appUrl: environment.TIERPLANE_APP_URL,
  stalledAfterMs: STALLED_AFTER_MS,
  basePath: '',
  docsPage: async (api) => (await import('./docs-page.ts')).docsPage(api),
};

/** Alone, the control plane's own table stands in for the application plane's. */
const isAlone = environment.TIERPLANE_APP_PLANE_TABLE === environment.TIERPLANE_TABLE;

/** Minimum duration of a successful sign-up; longer than sending a mail usually takes. */
const SIGN_UP_MS = 1_000;

export const handler = createHttpHandler({
  ...{ clock: store.clock, log: functionLog },
  principalOf: (event) =>
    principalOf(event, {
      table: store.table,
      machineClientId: environment.TIERPLANE_MACHINE_CLIENT,
      automationClientId: environment.TIERPLANE_AUTOMATION_CLIENT,
    }),
  open: (authorize) => createControlPlane(deps, authorize, [], isAlone ? [] : APP_PLANE_OPERATIONS),
  completed: (request, response, started) =>
    Promise.all([mails.completed(), equalizeSignUp(request, response, started)]),
});

/** Sign-up with a known address sends a mail and takes longer. A minimum duration hides whether the address is known. */
async function equalizeSignUp({ path }: ApiRequest, { status }: ApiResponse, started: number): Promise<void> {
  if (path !== '/onboarding' || status !== 201) return;
  await pause(store.clock, Math.max(0, started + SIGN_UP_MS - store.clock.monotonic()));
}
