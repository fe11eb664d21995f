import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { readJoined, stopReading } from './chunked-connection.ts';
import { afterResponses, closeUpgraded, refuseMalformedRequest } from './last-response.ts';
import { RESPONSES } from './responses.ts';
import { isRereading, stoppableRequest, stopReason } from './stopped-request.ts';
import type { Turns } from './turns.ts';

/** An import would load Node's fetch as well, which takes 13 MB and 40 ms. */
const { createServer } = process.getBuiltinModule('node:http');

/**
 * A connection on which nothing is sent or read is closed after this time in milliseconds, so that a client that does not
 * read its response does not hold it. No service may be silent for longer (UpstreamLimits).
 */
const STALLED_MS = 75_000;

/** How long a client may keep a connection without a request, as each response says. Less than STALLED_MS, which ends it. */
export const KEEP_ALIVE_SECONDS = 65;

/** While draining, idle connections are closed at this interval. */
const IDLE_CHECK_MS = 50;

export interface HttpServerOptions {
  /** For a whole request to arrive. @default 120_000 (2 minutes) */
  readonly requestTimeoutMs?: number | undefined;
  /** Where `handle` queues the requests. Bounds the number of requests that the server reads from a connection. */
  readonly turns: Turns;
  onConnection(socket: Socket): void;
  handle(request: IncomingMessage, response: ServerResponse, expectation: Expectation): void;
}

/** What the `Expect` header requests. `continue`: the client waits for `100 Continue` before it sends the body. */
export type Expectation = 'none' | 'continue' | 'unknown';

/** The HTTP server that clients connect to, not yet listening. It refuses upgrades, tunnels and malformed requests. */
export function createHttpServer(options: HttpServerOptions): Server {
  const { turns, handle, onConnection, requestTimeoutMs = 120_000 } = options;
  const server = createServer({
    IncomingMessage: stoppableRequest(turns),
    // Java's client offers an upgrade to h2c with every request. The gateway ignores the offer and serves HTTP/1.1.
    shouldUpgradeCallback: (request) =>
      stopReason(request) !== undefined || request.headers.upgrade?.toLowerCase() !== 'h2c',
    optimizeEmptyRequests: true,
    // Node would respond itself, past `handle`.
    requireHostHeader: false,
    maxHeaderSize: 16 * 1024,
    headersTimeout: 15_000,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: 5_000,
    // Node would set two timers for each request. The connection has one already: STALLED_MS.
    keepAliveTimeout: 0,
  });
  server.timeout = STALLED_MS;
  server.on('connection', (socket) => {
    if (!isRereading(socket)) onConnection(socket);
  });
  server.on('request', (request, response) => handle(request, response, 'none'));
  server.on('checkContinue', (request, response) => handle(request, response, 'continue'));
  server.on('checkExpectation', (request, response) => handle(request, response, 'unknown'));
  server.on('upgrade', (request, _socket, rest) => {
    stopReading(request.socket);
    if (stopReason(request) === 'chunked') afterResponses(request, turns, () => readJoined(server, request, rest));
    else refuseUpgrade(request, turns);
  });
  server.on('connect', (request) => {
    stopReading(request.socket);
    refuseUpgrade(request, turns);
  });
  server.on('clientError', (error, socket) => {
    stopReading(socket);
    refuseMalformedRequest(error, socket, turns);
  });
  return server;
}

function refuseUpgrade(request: IncomingMessage, turns: Turns): void {
  closeUpgraded(request, turns, stopReason(request) === 'surplus' ? undefined : RESPONSES.upgradeRefused);
}

/**
 * Accepts no more connections, finishes requests for at most `withinMs`, then closes every connection.
 * @param closeRest closes the connections that Node does not close itself, such as those with a refused upgrade
 */
export async function drainHttpServer(server: Server, withinMs: number, closeRest: () => void): Promise<void> {
  if (!server.listening) return;
  // A connection whose response began before the drain stays open and idle after it.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const deadline = setTimeout(() => {
    server.closeAllConnections();
    closeRest();
  }, withinMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearInterval(idle);
  clearTimeout(deadline);
}
