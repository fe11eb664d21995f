import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventBus } from '../../../adapters/embedded/events/event-bus.ts';
import { openClientCredentials } from '../../../adapters/embedded/identity/client-credentials.ts';
import { openIdentity } from '../../../adapters/embedded/identity/identity.ts';
import { createPasswords } from '../../../adapters/embedded/identity/passwords.ts';
import { openMailer } from '../../../adapters/embedded/mail/mailer.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import type { ControlPlaneDeps, LocalDeps } from '../../../control-plane/api/http/deps.ts';
import type { AuthorizePrincipal, Principal } from '../../../control-plane/api/http/http.ts';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createControlPlaneHandler } from '../../../control-plane/api/server.ts';
import { createCompletions } from '../../../control-plane/api/tenants/completion.ts';
import { DomainError } from '../../../core/errors.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import { mismatchOf } from '../../../core/http/check-response.ts';
import type { AnyResponse } from '../../../core/http/operation.ts';
import { LOCAL_CREDENTIAL, SCOPES } from '../../../core/identity/issuers.ts';
import { createMailLimits } from '../../../core/identity/users/mail-limits.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import type { Runtime, ServiceStatus } from '../../../core/ports/runtime.ts';
import type { Step } from '../../../core/progress/step.ts';
import { createRateLimiter } from '../../../core/usage/rate-limiter.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { apiDocsPage } from '../../../web/pages/api-docs.ts';
import { closeServer, listen } from '../../support/http-server.ts';
import { recordingLog } from '../../support/recording-log.ts';

const ALL = Object.values(SCOPES);
const READS = [SCOPES.tenantRead, SCOPES.userRead];

/** The principals that the tests' tokens stand for. */
const PRINCIPALS: Record<string, Principal> = {
  admin: { kind: 'user', userName: 'admin', role: 'SystemAdmin', scopes: ALL, basis: [] },
  second: { kind: 'user', userName: 'second', role: 'SystemAdmin', scopes: ALL, basis: [] },
  support: { kind: 'user', userName: 'sue', role: 'CustomerSupport', scopes: ALL, basis: [] },
  reader: { kind: 'user', userName: 'rob', role: 'SystemAdmin', scopes: READS, basis: [] },
  tenantsOnly: {
    kind: 'user',
    userName: 'tom',
    role: 'SystemAdmin',
    scopes: [SCOPES.tenantRead, SCOPES.tenantWrite],
    basis: [],
  },
  local: { kind: 'user', userName: LOCAL_CREDENTIAL, role: 'SystemAdmin', scopes: ALL, basis: [] },
  machine: { kind: 'machine' },
};
export type TokenName = keyof typeof PRINCIPALS | 'none';

// biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
export type Body = any;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

export interface CallOptions {
  readonly token?: TokenName;
  readonly headers?: Record<string, string>;
}

/** A control plane over HTTP with a store of its own. Nothing provisions tenants; a test reports the results. */
export interface Home extends AsyncDisposable {
  readonly url: string;
  readonly deps: LocalDeps;
  readonly bus: ReturnType<typeof openEventBus>;
  readonly waiters: ReturnType<typeof createCompletions>;
  readonly runtimeCalls: unknown[];
  readonly logged: string[];
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
  /** Registers a tenant. @returns its ids */
  register(name: string, tier?: string): Promise<{ tenantId: string; tenantRegistrationId: string }>;
  /** Events that no publisher has taken yet, oldest first. */
  outbox(): Promise<Envelope[]>;
  /** Moves the clock forward. */
  advance(ms: number): void;
  mails(): Promise<readonly { readonly to: string; readonly subject: string; readonly text: string }[]>;
  /** Everything in the store that has not expired, in a fixed order. */
  stored(): unknown;
}

export interface HomeOptions {
  readonly corsOrigins?: string[];
  readonly steps?: readonly Step[];
  /** @default - accepts the names of PRINCIPALS as tokens */
  readonly authorize?: (deps: ControlPlaneDeps) => AuthorizePrincipal;
}

export async function startHome(options: HomeOptions = {}): Promise<Home> {
  const dir = mkdtempSync(join(tmpdir(), 'tp-control-plane-'));
  let offset = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
  };
  const random = systemRandom;
  const logged: string[] = [];
  const log = recordingLog(logged);
  const table = openTable({ file: join(dir, 'platform.db'), clock, synchronous: 'normal' });
  const bus = openEventBus({ database: table.database, clock, random, log, retryBaseMs: 5 });
  const mailer = openMailer({ table, clock, random, log });
  const passwords = createPasswords({ temporaryKey: random(32), clock, random });
  const identity = openIdentity({ table, mailer, passwords, clock, random, publicUrl: 'http://platform.test' });
  await identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
  await identity.ensureRealm({ id: 'pool', displayName: 'Shop' });

  const runtimeCalls: unknown[] = [];
  const waiters = createCompletions();
  const mismatches: string[] = [];
  const deps: LocalDeps = {
    table,
    clock,
    random,
    log,
    identity,
    administrators: { table, identity },
    credentials: openClientCredentials({ table, clock, random }),
    discovery: { issuer: 'http://platform.test/realms/admin', clientId: 'tierplane-cli', apiPath: '/api' },
    mailer,
    appUrl: 'http://platform.test',
    mailLimits: createMailLimits(clock),
    signUpLimiter: createRateLimiter(clock, { perMinute: 5, burst: 10 }),
    docsPage: (api) => apiDocsPage(api),
    onResponse: (operation, response) => {
      const mismatch = mismatchOf(operation, asSent(response));
      if (mismatch !== undefined) mismatches.push(mismatch);
    },
    completion: waiters.completion,
    operator: {
      bus,
      tiers: TIERS,
      progress: async () => options.steps ?? [],
      status: async () => ({ home: 'aws', clusters: ['pool'], region: 'test' }),
    },
    compute: { runtime: fakeRuntime(runtimeCalls), plan: async () => [], releases: fakeReleases() },
  };
  const handler = createControlPlaneHandler(deps, {
    authorize: options.authorize?.(deps) ?? authorize,
    operations: LOCAL_OPERATIONS,
    corsOrigins: options.corsOrigins ?? [],
  });
  const server = createServer((req, res) => void handler(req, res));
  const url = `${(await listen(server)).url}/control-plane`;

  async function call(method: string, path: string, body?: unknown, given: CallOptions = {}): Promise<Reply> {
    const { token = 'admin', headers = {} } = given;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(token !== 'none' && { authorization: `Bearer ${token}` }), ...headers },
      body: rawBody(body) ?? null,
    });
    const text = await response.text();
    if (mismatches.length > 0) throw new Error(mismatches.splice(0).join('\n'));
    return { status: response.status, headers: response.headers, text, body: asJson(text) };
  }

  return {
    url,
    deps,
    bus,
    waiters,
    runtimeCalls,
    logged,
    call,
    async register(name, tier = 'basic') {
      const response = await call('POST', '/tenant-registrations', registration(name, tier));
      if (response.status !== 201) throw new Error(`${name}: ${response.status} ${response.text}`);
      const { tenantId, tenantRegistrationId } = response.body.data;
      return { tenantId, tenantRegistrationId };
    },
    async outbox() {
      const { items } = await table.query({ ...OUTBOX, limit: 1000 });
      return items.map(({ data }) => data);
    },
    advance(ms) {
      offset += ms;
    },
    mails: async () => (await mailer.list({ limit: 100 })).items,
    stored: () =>
      table.database
        .statement('SELECT * FROM items WHERE expires_at IS NULL OR expires_at > ? ORDER BY pk, sk')
        .all(Math.floor(clock.now() / 1000)),
    async [Symbol.asyncDispose]() {
      await closeServer(server);
      await bus.close();
      await mailer.close();
      await table.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function registration(name: string, tier = 'basic'): Body {
  const email = `admin@${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.example`;
  return { tenantData: { tenantName: name, email, tier }, tenantRegistrationData: {} };
}

/** Text and bytes unchanged, anything else as JSON. */
export function rawBody(body: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return body as string;
  return JSON.stringify(body);
}

async function authorize(header: string | undefined): Promise<Principal> {
  const principal = PRINCIPALS[header?.replace(/^Bearer /, '') ?? ''];
  if (!principal) throw new DomainError('UNAUTHENTICATED', 'not a token of the tests');
  return principal;
}

/** The response as a client receives it, without what JSON leaves out. */
function asSent({ body, ...rest }: AnyResponse): AnyResponse {
  return { ...rest, body: body === undefined ? undefined : JSON.parse(JSON.stringify(body)) };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A platform whose tenants run its release. */
function fakeReleases(): LocalDeps['compute']['releases'] {
  const current = { release: '1.0.0', current: '1.0.0', state: 'current' } as const;
  return {
    status: async () => current,
    async request(_tenantId, expected = '1.0.0') {
      if (expected !== '1.0.0') throw new DomainError('CONFLICT', `the release must be 1.0.0, got '${expected}'`);
      return current;
    },
  };
}

/** The operations of a runtime that the control plane calls. */
function fakeRuntime(calls: unknown[]): Runtime {
  const service: ServiceStatus = {
    cluster: 'pool',
    tenantId: null,
    service: 'orders',
    desired: 1,
    tasks: [],
    restarts: 0,
  };
  const requireKnown = (name: string): void => {
    if (name !== service.service) throw new DomainError('NOT_FOUND', `service ${name} not found`);
  };
  return {
    services: async () => [service],
    async restartService(key) {
      requireKnown(key.service);
      calls.push(['restart', key]);
    },
    async scaleService(key, desired) {
      requireKnown(key.service);
      if (desired > 4) throw new DomainError('INVALID', `desired must be 0..4, got ${desired}`);
      calls.push(['scale', key, desired]);
    },
  } as Partial<Runtime> as Runtime;
}
