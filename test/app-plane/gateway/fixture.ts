import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactVerify, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { openLineFile } from '../../../adapters/embedded/line-file.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { createGateway, type Gateway, type GatewayLimits } from '../../../app-plane/gateway/app.ts';
import { Meter } from '../../../app-plane/gateway/meter.ts';
import { QuotaStore } from '../../../app-plane/gateway/quota-store.ts';
import { cachedRegistry, type Registry } from '../../../app-plane/gateway/registry.ts';
import { loadUpstreamClient, type UpstreamClient } from '../../../app-plane/gateway/upstream-clients.ts';
import { createAuthorize } from '../../../core/identity/authorize.ts';
import { API_AUDIENCE, trustRealms } from '../../../core/identity/issuers.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Route, ServiceEndpoints, Subject } from '../../../core/routing/registry.ts';
import type { TierName, UsagePlan } from '../../../core/tier/tiers.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { closeServer, listen } from '../../support/http-server.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { silentLog } from '../../support/silent-log.ts';
import { until } from '../../support/until.ts';

/** The gateway's public URL in these tests, whatever port it listens on. */
export const PUBLIC_URL = 'https://saas.example';

/** A clock that starts at noon, so that half of the UTC day remains. */
export function noonClock(): ManualClock {
  return new ManualClock(Date.UTC(2026, 1, 3, 12));
}

const keys = await generateKeyPair('RS256');
const foreignKeys = await generateKeyPair('RS256');

export interface TokenFacts {
  readonly realm?: string;
  readonly tenantId?: string;
  readonly subject?: string;
  readonly claims?: JWTPayload;
  /** Signed with a key other than the issuer's. */
  readonly forged?: boolean;
  readonly expiresAt?: number;
}

/** A signed access token. @default - for user `<tenantId>-user` in the pool, valid for an hour of wall-clock time */
export async function tokenOf(facts: TokenFacts): Promise<string> {
  const { realm = 'pool', tenantId, forged = false } = facts;
  return new SignJWT({
    token_use: 'access',
    client_id: 'tierplane-app',
    ...(tenantId !== undefined && { tenantId, tier: 'basic', role: 'TenantAdmin', email: 'admin@acme.example' }),
    iss: `${PUBLIC_URL}/realms/${realm}`,
    aud: API_AUDIENCE,
    sub: facts.subject ?? `${tenantId}-user`,
    exp: facts.expiresAt ?? Math.floor(Date.now() / 1_000) + 3_600,
    ...facts.claims,
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .sign((forged ? foreignKeys : keys).privateKey);
}

export function tenantRoute(tenantId: string, tier: TierName = 'basic', change: Partial<Route> = {}): Route {
  const silo = tier !== 'basic';
  const cluster = tier === 'premium' ? (`tenant-${tenantId}` as const) : silo ? 'shared' : 'pool';
  const realm = tier === 'premium' ? (`tenant-${tenantId}` as const) : 'pool';
  return {
    tenantId,
    slug: tenantId,
    tier,
    state: 'active',
    apiKey: `key-${tenantId}`,
    realm,
    cluster,
    silo,
    ...change,
  };
}

export function tenantUser(route: Route, change: Partial<Subject> = {}): Subject {
  const email = 'admin@acme.example';
  return {
    issuer: `${PUBLIC_URL}/realms/${route.realm}`,
    subject: `${route.tenantId}-user`,
    realm: route.realm,
    userName: email,
    email,
    role: 'TenantAdmin',
    tenantId: route.tenantId,
    enabled: true,
    ...change,
  };
}

/** A server on a Unix socket. */
export interface SocketServer {
  readonly socket: string;
  readonly server: Server;
  close(): Promise<void>;
}

export async function serveOn(socket: string, listener: RequestListener): Promise<SocketServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    server,
    close: () => closeServer(server),
  };
}

/** Responds with what it received: method, url, raw headers, body. */
export function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, rawHeaders } = request;
    const body = Buffer.concat(chunks).toString();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, rawHeaders, body }));
  });
}

export interface Fixture {
  readonly dir: string;
  readonly port: number;
  readonly url: string;
  readonly clock: ManualClock;
  readonly gateway: Gateway;
  readonly subjects: Map<string, Subject>;
  readonly routes: Map<string, Route>;
  /** Adds a tenant with a user. @returns the user's `Authorization` header */
  addTenant(route: Route): Promise<string>;
  /** Starts a task of the pooled service. */
  serve(service: string, listener: RequestListener): Promise<SocketServer>;
  servePlatform(listener: RequestListener): Promise<SocketServer>;
  setEndpoints(all: readonly ServiceEndpoints[]): void;
  flushQuotas(): Promise<void>;
  /** The lines of the access log, once there are `count`. */
  accessLog(count: number): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface FixtureOptions {
  readonly plans?: Partial<Record<TierName, UsagePlan>>;
  readonly limits?: GatewayLimits;
  readonly trustedProxies?: readonly string[];
  /** Clock of the buckets. @default - the test's clock */
  readonly monotonic?: () => number;
  /** @default own */
  readonly upstream?: UpstreamClient;
  /** @default - discards everything */
  readonly log?: Log;
  /** @default - none */
  readonly corsOrigins?: readonly string[];
  /** Directory of the quota counts. @default - a new directory */
  readonly dir?: string;
}

/** A complete gateway on a free port. Only its registry and its tasks are the test's. */
export async function startFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const dir = mkdtempSync(join(tmpdir(), 'gw-'));
  const clock = noonClock();
  const subjects = new Map<string, Subject>();
  const routes = new Map<string, Route>();
  const source: Registry = {
    subject: async (realm, subject) => subjects.get(`${realm} ${subject}`),
    route: async (tenantId) => routes.get(tenantId),
  };
  const verifySignature = (token: string): Promise<boolean> =>
    compactVerify(token, keys.publicKey).then(
      () => true,
      () => false,
    );
  const authorize = createAuthorize({
    issuers: trustRealms({ publicUrl: PUBLIC_URL }),
    verifySignature,
    clock: systemClock,
  });
  const { monotonic = () => clock.monotonic() } = options;
  const gatewayClock = { now: () => clock.now(), monotonic, after: clock.after.bind(clock) };
  const meter = new Meter({ clock: gatewayClock });
  const table = openTable({ file: join(options.dir ?? dir, 'gateway.db'), clock });
  const quotas = await QuotaStore.open({ table, meter, clock, log: silentLog, hasRoute: async () => true });
  const logFile = join(dir, 'access.log');
  const accessLog = openLineFile(logFile);
  const plenty = { usagePlan: { rate: 1e6, burst: 1e6, quotaPerDay: 1e9 } };
  const tiers = Object.fromEntries(
    Object.keys(TIERS).map((tier) => [tier, { usagePlan: options.plans?.[tier as TierName] ?? plenty.usagePlan }]),
  ) as Record<TierName, { usagePlan: UsagePlan }>;
  const gateway = createGateway({
    authorize,
    registry: cachedRegistry(source, { clock }),
    source,
    meter,
    quotas,
    tiers,
    services: ['orders', 'products', 'users'],
    platformSocket: join(dir, 'platform.sock'),
    publicUrl: () => new URL(PUBLIC_URL),
    createUpstream: await loadUpstreamClient(options.upstream ?? 'own'),
    accessLog,
    log: options.log ?? silentLog,
    clock: gatewayClock,
    limits: options.limits ?? {},
    trustedProxies: options.trustedProxies ?? [],
    ...(options.corsOrigins && { corsOrigins: options.corsOrigins }),
  });
  const servers: SocketServer[] = [];
  let endpoints: readonly ServiceEndpoints[] = [];
  const { port, url } = await listen(gateway.server);

  async function serve(name: string, listener: RequestListener): Promise<SocketServer> {
    const server = await serveOn(join(dir, `${name}${servers.length}.sock`), listener);
    servers.push(server);
    return server;
  }

  function setEndpoints(all: readonly ServiceEndpoints[]): void {
    endpoints = all;
    gateway.setEndpoints(all);
  }

  return {
    dir,
    port,
    url,
    clock,
    gateway,
    subjects,
    routes,
    async addTenant(route) {
      routes.set(route.tenantId, route);
      const user = tenantUser(route);
      subjects.set(`${user.realm} ${user.subject}`, user);
      return `Bearer ${await tokenOf({ tenantId: route.tenantId, realm: route.realm })}`;
    },
    async serve(service, listener) {
      const server = await serve(service, listener);
      setEndpoints([...endpoints, { cluster: 'pool', tenantId: null, service, sockets: [server.socket] }]);
      return server;
    },
    async servePlatform(listener) {
      const server = await serveOn(join(dir, 'platform.sock'), listener);
      servers.push(server);
      return server;
    },
    setEndpoints,
    flushQuotas: () => quotas.flush(),
    async accessLog(count) {
      return until(() => {
        const lines = readFileSync(logFile, 'utf8').split('\n').filter(Boolean);
        return lines.length >= count ? lines.map((line) => JSON.parse(line) as Record<string, unknown>) : undefined;
      });
    },
    async close() {
      await gateway.drain(0);
      await Promise.all(servers.map((server) => server.close()));
      await quotas.flush();
      await Promise.all([table.close(), accessLog.close()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Sends bytes unchanged. @returns everything received until the server closes the connection */
export function rawExchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.setTimeout(10_000, () => socket.destroy(new Error('the gateway kept the connection open')));
  });
}
