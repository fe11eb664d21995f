import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Pool } from 'undici';
import { messageOf } from '../../core/errors.ts';
import { hasValidHost } from '../../core/http/host-header.ts';
import { clientRequestId } from '../../core/http/request-id.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { pause } from '../../core/time/wait.ts';
import type { IngressConfig } from './config.ts';
import { type Failure, forward } from './forward.ts';
import { PROBLEMS, type Problem, problemHeaders, toWire } from './problems.ts';
import { parseTarget, type Target } from './target.ts';

/** Bounds, in milliseconds unless the name says otherwise. */
export interface IngressLimits {
  /** For the head of a request to arrive. @default 15_000 */
  readonly headersMs: number;
  /** For a whole request to arrive. @default 60_000 */
  readonly requestMs: number;
  /** Without a byte in either direction, a connection is closed. The ALB's own is 60 s. @default 75_000 */
  readonly idleMs: number;
  /** Connections of all clients. @default 2_000 */
  readonly maxConnections: number;
  /** Requests in progress; more get 503. @default 1_024 */
  readonly maxInFlight: number;
  /** Connections to one service. @default 128 */
  readonly serviceConnections: number;
  /** For a connection to a service. @default 2_000 */
  readonly connectMs: number;
  /** For the head of a response; API Gateway waits for 29 s. @default 28_000 */
  readonly responseMs: number;
  /** Between two pieces of a response's body. @default 28_000 */
  readonly bodyMs: number;
  /** A drain accepts connections for this time: a load balancer may still send requests before it notices the drain. @default 500 */
  readonly lingerMs: number;
}

const DEFAULT_LIMITS: IngressLimits = {
  ...{ headersMs: 15_000, requestMs: 60_000, idleMs: 75_000, maxConnections: 2_000, maxInFlight: 1_024 },
  ...{ serviceConnections: 128, connectMs: 2_000, responseMs: 28_000, bodyMs: 28_000, lingerMs: 500 },
};
/** While draining, idle connections are closed at this interval. */
const IDLE_CHECK_MS = 50;
/** Node checks the times for requests to arrive at this interval. */
const TIMEOUT_CHECK_MS = 1_000;

export interface IngressParts {
  readonly config: Pick<IngressConfig, 'services' | 'stage' | 'shard' | 'servicePort'> &
    Partial<Pick<IngressConfig, 'endpoints'>>;
  readonly log: Log;
  readonly clock: Pick<Clock, 'after'>;
  readonly limits?: Partial<IngressLimits>;
  /** Opens the connections to services. @default - TCP to its endpoint */
  readonly connect?: Pool.Options['connect'];
}

export interface Ingress {
  /** Does not listen yet. */
  readonly server: Server;
  /**
   * Finishes the requests in progress for at most `withinMs`, then closes every connection. Until then it responds, also to
   * new requests of the first moments, and asks clients to close their connections.
   */
  drain(withinMs: number): Promise<void>;
}

type ServiceTarget = Extract<Target, { kind: 'service' }>;

const MALFORMED: Target = { kind: 'malformed' };
/** The responses to targets that lead to no service. */
const REFUSALS = {
  unknown: PROBLEMS.unknownService,
  malformed: PROBLEMS.malformed,
  'too-long': PROBLEMS.uriTooLong,
} as const;

const ignore = (): void => undefined;

/**
 * The proxy in front of one deployment's services: `/<service>/...` goes to that service. Each service has its own pool of
 * connections to a fixed address, so nothing in a request can choose another host.
 */
export function createIngress({ config, log, clock, connect, limits: given }: IngressParts): Ingress {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const pools = new Map(config.services.map((service) => [service, poolOf(service)]));
  let inFlight = 0;
  let draining = false;

  function poolOf(service: string): Pool {
    const { serviceConnections, connectMs, responseMs, bodyMs } = limits;
    return new Pool(config.endpoints?.[service] ?? `http://${service}:${config.servicePort}`, {
      ...{
        connections: serviceConnections,
        connectTimeout: connectMs,
        headersTimeout: responseMs,
        bodyTimeout: bodyMs,
      },
      ...(connect !== undefined && { connect }),
    });
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (draining) response.shouldKeepAlive = false;
    const target = hasValidHost(request.rawHeaders) ? parseTarget(request.url ?? '', config) : MALFORMED;
    const pool = target.kind === 'service' ? pools.get(target.service) : undefined;
    if (target.kind === 'healthz') respondHealthy(response);
    else if (target.kind !== 'service') refuse(response, REFUSALS[target.kind]);
    else if (pool === undefined) refuse(response, PROBLEMS.unknownService);
    else if (inFlight >= limits.maxInFlight) refuse(response, PROBLEMS.overloaded);
    else void serve(pool, target, request, response);
  }

  async function serve(
    pool: Pool,
    { service, path }: ServiceTarget,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    inFlight++;
    const failure = await forward(pool, path, request, response);
    inFlight--;
    if (failure) onFailure(failure, service, request, response);
  }

  function onFailure(failure: Failure, service: string, request: IncomingMessage, response: ServerResponse): void {
    if (failure.kind === 'client-gone') {
      response.destroy();
      return;
    }
    const requestId = clientRequestId(request.headers['x-request-id']);
    const fields = {
      service,
      method: request.method,
      requestId,
      failure: failure.kind,
      reason: messageOf(failure.cause),
    };
    log.warn(fields, 'a service did not respond');
    if (failure.kind === 'refused') refuse(response, failure.problem);
    else response.destroy();
  }

  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, limits.headersMs),
      keepAliveTimeout: limits.idleMs,
    },
    handle,
  );
  server.timeout = limits.idleMs;
  server.maxConnections = limits.maxConnections;
  server.on('clientError', refuseMalformed);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  return {
    server,
    async drain(withinMs) {
      draining = true;
      const lingerMs = Math.min(limits.lingerMs, withinMs);
      await pause(clock, lingerMs);
      await closeServer(server, sockets, withinMs - lingerMs);
      await Promise.all([...pools.values()].map((pool) => pool.destroy().catch(ignore)));
    },
  };
}

function respondHealthy(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"status":"ok"}');
}

/** Sends a problem. An unread request body is discarded by Node. */
function refuse(response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, problemHeaders(problem, body)).end(body);
}

/** Node's parser refused the request, so there is no `ServerResponse` to respond with. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.on('error', () => socket.destroy());
  if (error.code === 'HPE_HEADER_OVERFLOW') socket.end(toWire(PROBLEMS.headersTooLarge));
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') socket.end(toWire(PROBLEMS.requestTimeout));
  else socket.end(toWire(PROBLEMS.malformed));
}

/** Accepts no more connections, and closes each as soon as it is idle; after `withinMs` also the others. */
async function closeServer(server: Server, sockets: ReadonlySet<Socket>, withinMs: number): Promise<void> {
  if (!server.listening) return;
  const closeIdle = (): void => {
    server.closeIdleConnections();
    // Node does not count a connection as idle before its first request.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  closeIdle();
  const idle = setInterval(closeIdle, IDLE_CHECK_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), withinMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
