import assert from 'node:assert/strict';
import { APP_PLANE_SOURCE, CONTROL_PLANE_SOURCE } from '../core/events/events.ts';
import { until } from '../scripts/until.ts';
import { type BusWatch, watchBus } from './bus-watch.ts';
import { CommandLine } from './command-line.ts';
import { replayContract } from './contract-step.ts';
import type { EmulatedAccount } from './emulated-account.ts';
import { clientSecret, type Installation, install, runInstaller, signInAdmin, signInAgain } from './installation.ts';
import { invitedPassword } from './invited-password.ts';
import { LIMIT_STEPS } from './limit-steps.ts';
import type { Tokens } from './managed-login.ts';
import { CONTRACT } from './recorded-contract.ts';
import { type StepResult, timed } from './step.ts';

const ADMIN_EMAIL = 'admin@example.com';
/** The password of the emulated account's first administrator. The account exists only during the rehearsal. */
const ADMIN_PASSWORD = 'Rehearsed-horse-battery-7';
const ARRIVES_WITHIN_MS = 20_000;
const MEASURED_CALLS = 40;

interface Scene {
  readonly installation: Installation;
  readonly watch: BusWatch;
  readonly tokens: Tokens;
  /** Sends a request with the administrator's access token. */
  request(method: string, path: string, body?: unknown): ReturnType<Installation['call']>;
}

interface Registered {
  readonly tenantId: string;
  readonly tenantRegistrationId: string;
}

/** Installs the control plane as documented and uses it. Yields one result per step; the first failure ends the run. */
export async function* rehearse(account: EmulatedAccount): AsyncGenerator<StepResult> {
  let installation: Installation | undefined;
  yield await timed('scripts/sbt-install.sh installs the control plane', async () => {
    installation = await install(account, ADMIN_EMAIL);
  });
  if (!installation) return;
  const installed = installation;
  yield await timed('a second run changes nothing', async () => {
    const output = await runInstaller(account, [ADMIN_EMAIL, '--control-plane-only']);
    assert.match(output, /controlplane-stack \(no changes\)/);
  });

  const watch = await watchBus(account, installed.outputs.eventBridgeArn, 'rehearsal', [
    ...['onboardingRequest', 'offboardingRequest'],
  ]);
  try {
    let tokens: Tokens | undefined;
    yield await timed('the invited administrator signs in by managed login with PKCE', async () => {
      tokens = await signInAdmin(installed, ADMIN_PASSWORD);
    });
    if (!tokens) return;
    const token = `Bearer ${tokens.accessToken}`;
    const request: Scene['request'] = (method, path, body) => installed.call(method, path, { token, body });
    const scene = { installation: installed, watch, tokens, request };
    for (const [name, run] of STEPS) {
      const result = await timed(name, () => run(scene));
      yield result;
      if (!result.ok) return;
    }
    yield await median('p50 of a registration', (i) => register(scene, `measured ${i}`));
    yield await median('p50 of a list of 50 tenants', async () => {
      assert.equal((await request('GET', '/tenants?limit=50')).status, 200);
    });
  } finally {
    watch.close();
  }
}

/** The contract comes first, because it was recorded without tenants. */
const STEPS: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  [
    `responses and events match SBT's recorded contract (${CONTRACT.steps.length} steps)`,
    ({ installation, tokens, watch }) => replayContract(installation, tokens.accessToken, watch),
  ],
  [
    'tierplane login signs in by a loopback redirect, and later commands address the installation',
    async ({ installation }) => {
      using commandLine = new CommandLine(installation);
      const login = await commandLine.login(ADMIN_PASSWORD);
      assert.deepEqual([login.code, login.stderr], [0, '']);
      const tenants = await commandLine.run(['tenants', 'list', '--json']);
      assert.deepEqual([tenants.code, tenants.stderr], [0, '']);
      assert(Array.isArray(JSON.parse(tenants.stdout)), tenants.stdout);
      assert.equal((await commandLine.run(['logout'])).code, 0);
      const after = await commandLine.run(['tenants', 'list', '--url', commandLine.url]);
      assert.deepEqual([after.code, after.stdout], [5, '']);
    },
  ],
  [
    "scripts use the API with the stack's client for them, and not with another secret",
    async ({ installation }) => {
      using commandLine = new CommandLine(installation);
      const { AutomationClientId: TIERPLANE_CLIENT_ID } = installation.outputs;
      const TIERPLANE_CLIENT_SECRET = await clientSecret(installation, TIERPLANE_CLIENT_ID);
      const environment = { TIERPLANE_URL: commandLine.url, TIERPLANE_CLIENT_ID, TIERPLANE_CLIENT_SECRET };
      const users = await commandLine.run(['users', 'list', '--json'], environment);
      assert.deepEqual([users.code, users.stderr], [0, '']);
      const wrong = { ...environment, TIERPLANE_CLIENT_SECRET: 'x'.repeat(52) };
      assert.equal((await commandLine.run(['users', 'list'], wrong)).code, 5);
      const { TIERPLANE_URL: _, ...client } = environment;
      const found = await commandLine.run(['--aws', 'users', 'list', '--json'], client);
      assert.deepEqual([found.code, found.stdout], [0, users.stdout], found.stderr);
      assert.equal((await commandLine.run(['--aws', 'blue', 'users', 'list'], client)).code, 4);
    },
  ],
  [
    'an administrator is invited again: only the new temporary password works; signed out everywhere, no token does',
    async ({ installation, request }) => {
      const email = 'sue@example.com';
      const created = await request('POST', '/users', { userName: 'sue', userRole: 'SystemAdmin', email });
      assert.equal(created.status, 201, created.text);
      const first = await invitedPassword(installation.account, email);
      const invited = await request('POST', '/users/sue/invitation');
      assert.equal(invited.status, 200, invited.text);
      const second = await invitedPassword(installation.account, email);
      assert.notEqual(first, second);
      const sue = { userName: 'sue', newPassword: `${ADMIN_PASSWORD}s` };
      await assert.rejects(signInAgain(installation, { ...sue, password: first }), /the password was refused/);
      const { accessToken } = await signInAgain(installation, { ...sue, password: second });
      const asSue = () => installation.call('GET', '/tenants', { token: `Bearer ${accessToken}` });
      assert.equal((await asSue()).status, 200);
      assert.equal((await request('POST', '/users/sue/invitation')).status, 409);
      assert.equal((await request('DELETE', '/users/sue/sessions')).status, 200);
      assert.equal((await asSue()).status, 401);
      assert.equal((await request('DELETE', '/users/sue')).status, 200);
    },
  ],
  [
    'a wrong password is refused, and so is a code with a wrong verifier',
    async ({ installation }) => {
      const wrong = signInAgain(installation, { password: `${ADMIN_PASSWORD}x` });
      await assert.rejects(wrong, /the password was refused/);
      const stolen = signInAgain(installation, { password: ADMIN_PASSWORD, verifier: 'a'.repeat(43) });
      await assert.rejects(stolen, /the code was refused with status 400/);
    },
  ],
  [
    "missing, invalid and ID tokens and unknown routes get SBT's error responses",
    async ({ installation, tokens }) => {
      const refused = async (
        method: string,
        path: string,
        token: string | undefined,
        status: number,
        message: string,
      ) => {
        const response = await installation.call(method, path, token === undefined ? {} : { token });
        assert.deepEqual([response.status, response.body], [status, { message }], `${method} ${path}`);
      };
      await refused('GET', '/tenants', undefined, 401, 'Unauthorized');
      await refused('GET', '/tenants', 'Bearer abc', 401, 'Unauthorized');
      await refused('GET', '/tenants', `Bearer ${tokens.accessToken.slice(0, -8)}aaaaaaaa`, 401, 'Unauthorized');
      await refused('GET', '/tenants', `Bearer ${tokens.idToken}`, 401, 'Unauthorized');
      // This route requires a scope, which an ID token does not have; API Gateway refuses it.
      await refused('GET', '/users', `Bearer ${tokens.idToken}`, 403, 'Forbidden');
      await refused('POST', '/tenants', `Bearer ${tokens.accessToken}`, 403, 'Forbidden');
      await refused('DELETE', '/tenants/x', `Bearer ${tokens.accessToken}`, 403, 'Forbidden');
      await refused('GET', '/nothing', `Bearer ${tokens.accessToken}`, 404, 'Not Found');
    },
  ],
  [
    "a registration publishes SBT's onboarding event, which a queue on the bus receives",
    async (scene) => {
      const { tenantId, tenantRegistrationId } = await register(scene, 'hooli');
      const [event] = await scene.watch.seen();
      assert.deepEqual(event, {
        source: CONTROL_PLANE_SOURCE,
        detailType: 'onboardingRequest',
        detail: {
          ...{ tenantId, tenantRegistrationId, tenantName: 'hooli', email: 'admin@hooli.example', tier: 'basic' },
          registrationStatus: 'In progress',
        },
      });
    },
  ],
  [
    "provisionSuccess reaches the registration through SBT's rule and API destination",
    async (scene) => {
      const tenant = await register(scene, 'globex');
      const config = { authServer: 'https://identity.example', clientId: 'tierplane-app' };
      await scene.watch.put(result('provisionSuccess', tenant, 'created', { tenantConfig: JSON.stringify(config) }));
      await untilState(scene, tenant, 'active');
      const registered = await scene.request('GET', `/tenant-registrations/${tenant.tenantRegistrationId}`);
      assert.match(registered.text, /"registrationStatus":"created"/);
      const response = await scene.installation.call('GET', '/tenant-config/globex');
      assert.deepEqual([response.status, response.body], [200, config]);
    },
  ],
  [
    'provisionFailure reaches the registration, with its reason',
    async (scene) => {
      const tenant = await register(scene, 'initech');
      await scene.watch.put(result('provisionFailure', tenant, 'failed', { reason: 'no room in any cell' }));
      const failed = await untilState(scene, tenant, 'failed');
      assert.equal(failed.reason, 'no room in any cell');
    },
  ],
  [
    'bad input is refused and stores nothing',
    async (scene) => {
      const bad: readonly [unknown, number][] = [
        [{ tenantData: { tenantName: 'x', email: 'no', tier: 'gold' }, tenantRegistrationData: {} }, 422],
        [{}, 422],
        ['{"tenantData":', 400],
        [{ tenantData: registration('umbrella').tenantData, tenantRegistrationData: { tenantId: 'mine' } }, 422],
      ];
      for (const [body, status] of bad) {
        const response = await scene.request('POST', '/tenant-registrations', body);
        assert.equal(response.status, status, response.text);
      }
      const again = await scene.request('POST', '/tenant-registrations', registration('HOOLI'));
      assert.equal(again.status, 409, again.text);
      assert.equal((await scene.request('GET', '/tenants?name=umbrella')).text, '{"data":[]}');
    },
  ],
  ...LIMIT_STEPS,
];

/** Makes MEASURED_CALLS calls in sequence. */
async function median(name: string, call: (i: number) => Promise<unknown>): Promise<StepResult> {
  const times: number[] = [];
  const result = await timed(name, async () => {
    for (let i = 0; i < MEASURED_CALLS; i++) {
      const started = performance.now();
      await call(i);
      times.push(performance.now() - started);
    }
  });
  const sorted = times.sort((a, b) => a - b);
  return { ...result, ms: sorted[Math.floor(sorted.length / 2)] ?? result.ms };
}

function registration(tenantName: string) {
  const email = `admin@${tenantName.toLowerCase().replaceAll(' ', '-')}.example`;
  return {
    tenantData: { tenantName, email, tier: 'basic' },
    tenantRegistrationData: { registrationStatus: 'In progress' },
  };
}

async function register({ request }: Scene, name: string): Promise<Registered> {
  const response = await request('POST', '/tenant-registrations', registration(name));
  assert.equal(response.status, 201, response.text);
  const { tenantId, tenantRegistrationId } = (response.body as { data: Registered }).data;
  return { tenantId, tenantRegistrationId };
}

/** A result event of the application plane, in the shape that SBT's rule matches. */
function result(detailType: string, tenant: Registered, status: string, tenantData: Record<string, unknown>) {
  const jobOutput = {
    tenantRegistrationData: { registrationStatus: status },
    tenantData: { tenantStatus: status, ...tenantData },
  };
  return { source: APP_PLANE_SOURCE, detailType, detail: { ...tenant, jobOutput } };
}

async function untilState(
  { request }: Scene,
  { tenantId }: Registered,
  state: string,
): Promise<Record<string, unknown>> {
  let data: Record<string, unknown> = {};
  const arrived = async () => {
    const { body } = await request('GET', `/tenants/${tenantId}`);
    data = (body as { data?: Record<string, unknown> }).data ?? {};
    return data.state === state && data;
  };
  const failure = () => `tenant is ${data.state}, not ${state}, after ${ARRIVES_WITHIN_MS} ms`;
  return until(arrived, { withinMs: ARRIVES_WITHIN_MS, everyMs: 100, failure });
}
