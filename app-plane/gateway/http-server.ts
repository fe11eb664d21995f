import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type GatewayResponse, RESPONSES, toWire } from './responses.ts';

/** An import would load Node's fetch as well, which takes 13 MB and 40 ms. */
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

/**
 * A connection on which nothing is sent or read is closed after this time in milliseconds, so that a client that does not
 * read its response does not hold it. No service may be silent for longer (UpstreamLimits).
 */
const STALLED_MS = 75_000;

/** While draining, idle connections are closed at this interval. */
const IDLE_CHECK_MS = 50;

export interface HttpServerOptions {
  /** For a whole request to arrive. @default 120_000 (2 minutes) */
  readonly requestTimeoutMs?: number | undefined;
  onConnection(socket: Socket): void;
  /** @param awaitsContinue the client waits for `100 Continue` before it sends the body */
  handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void;
}

/** The HTTP server that clients connect to, not yet listening. It refuses upgrades, tunnels and malformed requests. */
export function createHttpServer({ handle, onConnection, requestTimeoutMs = 120_000 }: HttpServerOptions): Server {
  const server = createServer({
    // Java's client offers an upgrade to h2c with every request. The gateway ignores the offer and serves HTTP/1.1.
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() !== 'h2c',
    optimizeEmptyRequests: true,
    maxHeaderSize: 16 * 1024,
    headersTimeout: 15_000,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: 5_000,
    keepAliveTimeout: 65_000,
  });
  server.timeout = STALLED_MS;
  server.on('connection', onConnection);
  server.on('request', (request, response) => handle(request, response, false));
  server.on('checkContinue', (request, response) => handle(request, response, true));
  server.on('upgrade', (_request, socket) => refuse(socket, RESPONSES.upgradeRefused));
  server.on('connect', (_request, socket) => refuse(socket, RESPONSES.upgradeRefused));
  server.on('clientError', refuseMalformedRequest);
  return server;
}

/** Accepts no more connections, finishes requests for at most `withinMs`, then closes every connection. */
export async function drainHttpServer(server: Server, withinMs: number): Promise<void> {
  if (!server.listening) return;
  // A connection whose response began before the drain stays open and idle after it.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), withinMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearInterval(idle);
  clearTimeout(deadline);
}

function refuse(socket: Duplex, response: GatewayResponse): void {
  socket.on('error', () => socket.destroy());
  socket.end(toWire(response, STATUS_CODES[response.status] ?? ''));
}

/** Node's parser refused the request, so there is no `ServerResponse` to respond with. */
function refuseMalformedRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (error.code === 'HPE_HEADER_OVERFLOW') refuse(socket, RESPONSES.headersTooLarge);
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuse(socket, RESPONSES.requestTimeout);
  else refuse(socket, RESPONSES.badRequest);
}
