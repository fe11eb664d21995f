import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { clientRequestId } from '../../core/http/request-id.ts';
import type { Authorize } from '../../core/identity/authorize.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Route, ServiceEndpoints } from '../../core/routing/registry.ts';
import type { TierName, UsagePlan } from '../../core/tier/tiers.ts';
import { accessLine, type LineSink } from './access-log.ts';
import { createAdmission } from './admission.ts';
import { contentLength, openBody } from './body.ts';
import { Exchange } from './exchange.ts';
import { type Failure, forward } from './forward.ts';
import { requestHeaders, wasForwarded } from './headers.ts';
import { createInFlight } from './in-flight.ts';
import type { Meter } from './meter.ts';
import type { QuotaStore } from './quota-store.ts';
import { answersReady } from './readiness.ts';
import type { CachedRegistry, Registry } from './registry.ts';
import { ANSWERS, type Answer, PLATFORM_AWAY_PAGE, rawAnswer } from './responses.ts';
import { parseTarget, withoutQuery } from './target.ts';
import { Upstream, type UpstreamLimits } from './upstream/upstream.ts';
import { createUpstreams, leastBusy } from './upstream/upstreams.ts';

/** Imported, it would bring Node's fetch with it: 13 MB and 40 ms. */
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

export interface GatewayLimits extends UpstreamLimits {
  /** Longest request body, in bytes. @default 10_485_760 (10 MiB) */
  readonly maxBodyBytes?: number;
  /** For a whole request to arrive. @default 120_000 (2 minutes) */
  readonly requestTimeoutMs?: number;
}

export interface GatewayOptions {
  readonly authorize: Authorize;
  readonly registry: CachedRegistry;
  /** The same, uncached. */
  readonly source: Registry;
  readonly meter: Meter;
  readonly quotas: QuotaStore;
  readonly tiers: Readonly<Record<TierName, { readonly usagePlan: UsagePlan }>>;
  /** The application's microservices. */
  readonly services: readonly string[];
  /** Unix socket of the platform. */
  readonly platformSocket: string;
  /** What clients see; asked at each request to the platform, as the port may be known only after listening. */
  readonly publicUrl: () => URL;
  readonly accessLog: LineSink;
  readonly log: Log;
  readonly clock: Clock;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly limits?: GatewayLimits;
}

export interface Gateway {
  readonly server: Server;
  /** All healthy tasks, replacing those known before. */
  setEndpoints(all: readonly ServiceEndpoints[]): void;
  /** A tenant or user changed; everything did if nothing is named. */
  invalidate(changed: { readonly tenantId?: string | undefined; readonly subject?: string | undefined }): Promise<void>;
  /** Takes no more connections, finishes what is under way for at most `withinMs`, then ends every connection. */
  drain(withinMs: number): Promise<void>;
}

const FAILURES: Record<Failure, Answer> = {
  unavailable: ANSWERS.unavailable,
  'bad-gateway': ANSWERS.badGateway,
  timeout: ANSWERS.gatewayTimeout,
  'too-large': ANSWERS.tooLarge,
  malformed: ANSWERS.badRequest,
};

/** The platform's own answer within this, or it is not ready. */
const READY_TIMEOUT_MS = 1_000;

/** Between two looks for idle connections while draining. */
const IDLE_CHECK_MS = 50;

/** The one front door. Builds the server; listening is the caller's. */
export function createGateway(options: GatewayOptions): Gateway {
  const { registry, services, clock, monotonic, log, accessLog, limits = {} } = options;
  const maxBodyBytes = limits.maxBodyBytes ?? 10 * 1024 * 1024;
  const maxActive = limits.maxActive ?? 2_048;
  const admit = createAdmission({ ...options, inFlight: createInFlight(), maxBodyBytes });
  const upstreams = createUpstreams(limits);
  const platform = new Upstream(options.platformSocket, limits);
  let draining = false;

  function handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const requestId = clientRequestId(request.headers['x-request-id']) ?? randomUUID();
    const exchange = new Exchange(request, response, {
      requestId,
      startedAt: monotonic(),
      awaitsContinue,
      closing: () => draining,
    });
    exchange.whenClosed(() => logAccess(exchange));
    route(exchange).catch((error) => {
      log.error({ err: error, requestId }, 'a request failed');
      exchange.answer(ANSWERS.internalError);
    });
  }

  async function route(exchange: Exchange): Promise<void> {
    const target = parseTarget(exchange.request.url ?? '');
    switch (target.kind) {
      case 'api':
        return toService(exchange, target.service, target.path);
      case 'platform':
        return toPlatform(exchange, target.path);
      case 'healthz':
        return exchange.answer(ANSWERS.healthy);
      case 'readyz':
        return exchange.answer(await readiness());
      case 'malformed':
        return exchange.answer(ANSWERS.badRequest);
    }
  }

  async function toService(exchange: Exchange, service: string, path: string): Promise<void> {
    const { request } = exchange;
    const { authorization } = request.headers;
    const admission = await admit({ authorization, service, contentLength: contentLength(request) });
    exchange.route = admission.route;
    if (services.includes(service)) exchange.service = service;
    if (!admission.admitted) return exchange.answer(admission.answer);
    if (exchange.response.destroyed) return admission.leave();
    exchange.whenClosed(admission.leave);
    const tasks = upstreams.of(admission.route, service);
    if (tasks.length === 0) return exchange.answer(ANSWERS.unavailable);
    const headers = requestHeaders(request, 'service');
    addServiceHeaders(headers, exchange, admission.route);
    send(exchange, path, headers, (tried) => leastBusy(tasks, maxActive, tried), FAILURES);
  }

  function toPlatform(exchange: Exchange, path: string): void {
    const { request } = exchange;
    if ((contentLength(request) ?? 0) > maxBodyBytes) {
      exchange.answer(ANSWERS.tooLarge);
      return;
    }
    const headers = requestHeaders(request, 'platform');
    addPlatformHeaders(headers, exchange, options.publicUrl());
    const wantsPage = request.headers.accept?.includes('text/html') === true;
    const answers = wantsPage ? { ...FAILURES, unavailable: PLATFORM_AWAY_PAGE } : FAILURES;
    send(exchange, path, headers, () => leastBusy([platform], maxActive), answers);
  }

  function send(
    exchange: Exchange,
    path: string,
    headers: string[],
    pick: Parameters<typeof forward>[1]['pick'],
    answers: Record<Failure, Answer>,
  ): void {
    exchange.acceptBody();
    openBody(exchange.request, maxBodyBytes, (body) => {
      if (exchange.response.destroyed) return;
      const length = contentLength(exchange.request);
      forward(exchange, { path, headers, body, length, pick, fail: (failure) => exchange.answer(answers[failure]) });
    });
  }

  async function readiness(): Promise<Answer> {
    const answers = await answersReady(platform, READY_TIMEOUT_MS);
    const pool = upstreams.hasPooled(services);
    const ready = answers && pool && !draining;
    return {
      status: ready ? 200 : 503,
      contentType: 'application/json',
      headers: ready ? [] : ['retry-after', '1'],
      body: JSON.stringify({ status: ready ? 'ready' : 'not ready', platform: answers, pool, draining }),
    };
  }

  function logAccess(exchange: Exchange): void {
    const { request, response, requestId, route, service, bytes, startedAt } = exchange;
    const { method = '', url = '' } = request;
    // Where nothing was sent the client has left, which nginx calls 499.
    const status = response.headersSent ? response.statusCode : 499;
    accessLog.write(
      accessLine(
        {
          requestId,
          method,
          path: withoutQuery(url),
          status,
          ms: monotonic() - startedAt,
          tenantId: route?.tenantId,
          tier: route?.tier,
          service,
          bytes,
        },
        clock.now(),
      ),
    );
  }

  const server = createServer({
    // Anything else that asks for another protocol (h2c, as Java's client does) is served as HTTP/1.1.
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() !== 'h2c',
    optimizeEmptyRequests: true,
    maxHeaderSize: 16 * 1024,
    headersTimeout: 15_000,
    requestTimeout: limits.requestTimeoutMs ?? 120_000,
    connectionsCheckingInterval: 5_000,
    keepAliveTimeout: 65_000,
  });
  server.on('request', (request, response) => handle(request, response, false));
  server.on('checkContinue', (request, response) => handle(request, response, true));
  server.on('upgrade', (_request, socket) => refuseConnection(socket, ANSWERS.upgradeRefused));
  server.on('connect', (_request, socket) => refuseConnection(socket, ANSWERS.upgradeRefused));
  server.on('clientError', answerClientError);

  return {
    server,
    setEndpoints: (all) => upstreams.replace(all),
    async invalidate(changed) {
      registry.invalidate(changed);
      const { tenantId } = changed;
      if (tenantId === undefined || !options.quotas.knows(tenantId)) return;
      if ((await options.source.route(tenantId)) === undefined) await options.quotas.forget(tenantId);
    },
    async drain(withinMs) {
      draining = true;
      await closeServer(server, withinMs);
      upstreams.destroy();
      platform.destroy();
    },
  };
}

/** HTTP/1.1 demands one, and clients of HTTP/1.0 give none. */
const NO_HOST = 'localhost';

/** What a service is told of the caller: the token that was verified, and what the registry says. */
function addServiceHeaders(headers: string[], { request, requestId }: Exchange, route: Route): void {
  const { host = NO_HOST, authorization = '' } = request.headers;
  headers.push('host', host, 'authorization', authorization, 'x-request-id', requestId);
  headers.push('x-tierplane-tenant', route.tenantId, 'x-tierplane-tier', route.tier);
}

function addPlatformHeaders(headers: string[], { request, requestId }: Exchange, publicUrl: URL): void {
  const { host = NO_HOST, authorization } = request.headers;
  headers.push('host', host);
  if (authorization !== undefined) headers.push('authorization', authorization);
  const address = request.socket.remoteAddress ?? '';
  // Only the last hop can be believed; that there were others is all that is said of them (RFC 7239, 6.2).
  const forwardedFor = wasForwarded(request) ? `unknown, ${address}` : address;
  headers.push('x-request-id', requestId, 'x-forwarded-for', forwardedFor);
  // By which the platform can ask the kernel whose connection it is.
  headers.push('x-tierplane-client-port', String(request.socket.remotePort ?? 0));
  headers.push('x-forwarded-proto', publicUrl.protocol.slice(0, -1), 'x-forwarded-host', publicUrl.host);
}

function refuseConnection(socket: Duplex, answer: Answer): void {
  socket.on('error', () => socket.destroy());
  socket.end(rawAnswer(answer, STATUS_CODES[answer.status] ?? ''));
}

/** What the parser refuses never becomes a request: said in the gateway's own words, and the connection ends. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (error.code === 'HPE_HEADER_OVERFLOW') refuseConnection(socket, ANSWERS.headersTooLarge);
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuseConnection(socket, ANSWERS.requestTimeout);
  else refuseConnection(socket, ANSWERS.badRequest);
}

async function closeServer(server: Server, withinMs: number): Promise<void> {
  if (!server.listening) return;
  // A connection whose response began before the drain stays open after it, idle.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), withinMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearInterval(idle);
  clearTimeout(deadline);
}
