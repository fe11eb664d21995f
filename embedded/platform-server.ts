import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isDomainError } from '../core/errors.ts';
import { hasValidHost } from '../core/http/host-header.ts';
import type { Log } from '../core/ports/log.ts';

/** For a whole request to arrive. */
const REQUEST_TIMEOUT_MS = 60_000;

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

export interface PlatformHandlers {
  readonly controlPlane: Handler;
  readonly realms: Handler;
  readonly pages: Handler;
  /** What /readyz reports. */
  readonly isReady: () => boolean;
}

/**
 * Starts the platform's HTTP server. It listens on a Unix socket that only the gateway, which runs as the same user, may
 * connect to. So the headers that the gateway sets can be trusted.
 */
export async function listenForGateway(
  socket: string,
  handlers: PlatformHandlers,
  log: Log,
): Promise<{ close(): Promise<void> }> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (req, res) => {
    if (!hasValidHost(req.rawHeaders)) {
      res.writeHead(400, { 'content-type': 'application/json' });
      res.end('{"message":"Bad Request"}');
      return;
    }
    handlerOf(handlers, req.url ?? '/')(req, res).catch((error: unknown) => {
      log.error({ err: error, path: (req.url ?? '').split('?')[0] }, 'a request failed unexpectedly');
      sendFailure(res, isDomainError(error, 'UNAVAILABLE'));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  chmodSync(socket, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** @param isTemporary the store is unavailable, for example because the disk is full */
function sendFailure(res: ServerResponse, isTemporary: boolean): void {
  if (!res.headersSent) {
    const headers = { 'content-type': 'application/json', ...(isTemporary && { 'retry-after': '5' }) };
    res.writeHead(isTemporary ? 503 : 500, headers);
  }
  res.end(JSON.stringify({ message: isTemporary ? 'Service Unavailable' : 'Internal Server Error' }));
}

const DISCOVERY_PATH = '/.well-known/tierplane';

function handlerOf(handlers: PlatformHandlers, url: string): Handler {
  const path = url.split('?', 1)[0] ?? '/';
  if (path === '/control-plane' || path.startsWith('/control-plane/')) return handlers.controlPlane;
  // Clients know the platform's address only, so this one is at its root.
  if (path === DISCOVERY_PATH)
    return (req, res) => handlers.controlPlane(Object.assign(req, { url: `/control-plane${url}` }), res);
  if (path.startsWith('/realms/')) return handlers.realms;
  if (path === '/readyz') return async (_req, res) => readiness(res, handlers.isReady());
  return handlers.pages;
}

function readiness(res: ServerResponse, ready: boolean): void {
  res.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ status: ready ? 'ready' : 'starting' }));
}
