import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { clientGroup } from '../../core/http/client-address.ts';
import { hasValidHost } from '../../core/http/host-header.ts';
import { clientRequestId } from '../../core/http/request-id.ts';
import type { Authorize } from '../../core/identity/authorize.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { ServiceEndpoints } from '../../core/routing/registry.ts';
import type { TierName, UsagePlan } from '../../core/tier/tiers.ts';
import { accessLine, type LineSink } from './access-log.ts';
import { createAdmission } from './admission.ts';
import { type ClientAddresses, createClientAddresses } from './client-addresses.ts';
import { ClientConnections } from './client-connections.ts';
import { createCors } from './cors.ts';
import { Exchange } from './exchange.ts';
import { createHttpServer, drainHttpServer, type Expectation } from './http-server.ts';
import { createInFlight } from './in-flight.ts';
import { InnerCalls } from './inner-calls.ts';
import type { Meter } from './meter.ts';
import { PlatformRoute } from './platform-route.ts';
import type { QuotaStore } from './quota-store.ts';
import type { CachedRegistry, Registry, RegistryChange } from './registry.ts';
import { RequestRouter } from './request-router.ts';
import { type GatewayResponse, RESPONSES } from './responses.ts';
import { TaskDirectory } from './task-directory.ts';
import { Turns } from './turns.ts';
import { type CreateUpstream, DEFAULT_MAX_ACTIVE, type UpstreamLimits } from './upstream/upstream.ts';

export interface GatewayLimits extends UpstreamLimits {
  /** Longest request body, in bytes. @default 10_485_760 (10 MiB) */
  readonly maxBodyBytes?: number;
  /** For a whole request to arrive. @default 120_000 (2 minutes) */
  readonly requestTimeoutMs?: number;
  /** For a body to the platform to arrive. @default 20_000 (20 seconds) */
  readonly platformBodyTimeoutMs?: number;
  /** Connections of one client. @default 512 */
  readonly connectionsPerClient?: number;
  /** Connections of all clients. @default 10_000 */
  readonly clientConnections?: number;
}

export interface GatewayOptions {
  readonly authorize: Authorize;
  readonly registry: CachedRegistry;
  /** The same registry without the cache. */
  readonly source: Registry;
  readonly meter: Meter;
  readonly quotas: QuotaStore;
  readonly tiers: Readonly<Record<TierName, { readonly usagePlan: UsagePlan }>>;
  /** The application's microservices. */
  readonly services: readonly string[];
  /** Unix socket of the platform. */
  readonly platformSocket: string;
  /** What clients see. Called for each request to the platform, because the port may be known only after listening. */
  readonly publicUrl: () => URL;
  readonly createUpstream: CreateUpstream;
  readonly accessLog: LineSink;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits?: GatewayLimits;
  /** Proxies whose `Forwarded` and `X-Forwarded-For` name the client; see core/http/client-address.ts. @default - none */
  readonly trustedProxies?: readonly string[];
  /** Exact origins of browser pages that may call the tenants' API. @default [] - none */
  readonly corsOrigins?: readonly string[];
}

export interface Gateway {
  readonly server: Server;
  /** Replaces the tasks that requests are sent to. */
  setEndpoints(all: readonly ServiceEndpoints[]): void;
  /** Rereads a tenant or user that has changed, or everything if the change names neither. */
  invalidate(change: RegistryChange): Promise<void>;
  /** Accepts no more connections, finishes requests for at most `withinMs`, then closes every connection. */
  drain(withinMs: number): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Builds the gateway. The caller makes its server listen. */
export function createGateway(options: GatewayOptions): Gateway {
  const { registry, source, quotas, createUpstream, limits = {}, corsOrigins = [] } = options;
  const maxBodyBytes = limits.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  const tasks = new TaskDirectory(createUpstream, limits);
  const platform = new PlatformRoute({ ...options, limits });
  const addresses = createClientAddresses(options.trustedProxies);
  const turns = new Turns();
  const connections = new ClientConnections((socket) => turns.isBusy(socket), {
    perClient: limits.connectionsPerClient,
    total: limits.clientConnections,
  });
  let draining = false;
  const isDraining = (): boolean => draining;
  const router = new RequestRouter({
    ...options,
    admission: createAdmission({
      ...options,
      inFlight: createInFlight(),
      innerCalls: new InnerCalls(),
      maxBodyBytes,
    }),
    tasks,
    platform,
    maxBodyBytes,
    maxActive: limits.maxActive ?? DEFAULT_MAX_ACTIVE,
    isDraining,
    cors: corsOrigins.length > 0 ? createCors(corsOrigins) : undefined,
  });
  const server = createHttpServer({
    requestTimeoutMs: limits.requestTimeoutMs,
    turns,
    onConnection(socket) {
      const address = addresses.ofConnection(socket);
      connections.add(socket, address === undefined ? undefined : clientGroup(address));
    },
    handle: createHandler({ router, isDraining, addresses, turns }, options),
  });

  return {
    server,
    setEndpoints: (all) => tasks.replace(all),
    async invalidate(change) {
      registry.invalidate(change);
      const { tenantId } = change;
      if (tenantId === undefined || !quotas.has(tenantId)) return;
      if ((await source.route(tenantId)) === undefined) await quotas.remove(tenantId);
    },
    async drain(withinMs) {
      draining = true;
      await drainHttpServer(server, withinMs, () => connections.closeAll());
      tasks.destroy();
      platform.destroy();
    },
  };
}

interface HandlerParts {
  readonly router: RequestRouter;
  readonly isDraining: () => boolean;
  readonly addresses: ClientAddresses;
  readonly turns: Turns;
}

/** Gives each request an id, routes it when it is its turn, and logs it when it is over. */
function createHandler({ router, isDraining, addresses, turns }: HandlerParts, options: GatewayOptions) {
  const { accessLog, clock, log } = options;

  function serve(
    request: IncomingMessage,
    response: ServerResponse,
    expectation: Expectation,
    onEnded: () => void,
  ): void {
    const requestId = clientRequestId(request.headers['x-request-id']) ?? randomUUID();
    const exchange = new Exchange(request, response, {
      requestId,
      clientAddress: addresses.of(request),
      startedAt: clock.monotonic(),
      awaitsContinue: expectation === 'continue',
      isDraining,
      onEnded,
    });
    exchange.onClosed(() => accessLog.write(accessLine(exchange, clock.monotonic(), clock.now())));
    const refusal = refusalOf(request, expectation);
    if (refusal) {
      response.shouldKeepAlive = false;
      exchange.respond(refusal);
      return;
    }
    router.route(exchange).catch((error) => {
      log.error({ err: error, requestId }, 'a request failed');
      exchange.respond(RESPONSES.internalError);
    });
  }

  return (request: IncomingMessage, response: ServerResponse, expectation: Expectation): void =>
    turns.take(request.socket, response, (onEnded) => serve(request, response, expectation, onEnded));
}

/** The response to a request that no route serves. */
function refusalOf(
  { headers, httpVersion, rawHeaders }: IncomingMessage,
  expectation: Expectation,
): GatewayResponse | undefined {
  // HTTP/1.1 requires a host (RFC 9112, 3.2).
  const namesHost = headers.host !== undefined || httpVersion !== '1.1';
  if (!namesHost || !hasValidHost(rawHeaders)) return RESPONSES.badRequest;
  return expectation === 'unknown' ? RESPONSES.expectationFailed : undefined;
}
