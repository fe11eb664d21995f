import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isSameText } from '../../adapters/shared/identity/is-same-text.ts';
import { DomainError } from '../../core/errors.ts';
import { hasValidHost } from '../../core/http/host-header.ts';
import { LOOPBACK_PORTS, loopbackRedirect } from '../../core/identity/issuers.ts';
import type { ProviderMetadata } from './discovery.ts';
import { codeRequest, type Tokens } from './token-endpoint.ts';

/** How long the browser may take, in milliseconds. */
const SIGN_IN_TIMEOUT_MS = 5 * 60_000;

export interface LoopbackSignInOptions {
  readonly clientId: string;
  readonly scope: string;
  /** Shows the address to open in a browser on this machine. */
  readonly show: (authorizationUrl: string) => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** In milliseconds. @default 300_000 (5 minutes) */
  readonly timeoutMs?: number;
  /** Registered for the client. @default LOOPBACK_PORTS */
  readonly ports?: readonly number[];
}

/**
 * Authorization code with PKCE, received on this machine's loopback interface (RFC 8252, section 7.3). For issuers
 * without the device authorization grant. The listener takes one code, of its own request.
 * Throws UNAUTHENTICATED if the sign-in is refused or takes too long, UNAVAILABLE if no port is free.
 */
export async function loopbackSignIn(metadata: ProviderMetadata, options: LoopbackSignInOptions): Promise<Tokens> {
  const { clientId, scope, show, signal, timeoutMs = SIGN_IN_TIMEOUT_MS, ports = LOOPBACK_PORTS } = options;
  const server = createServer();
  const port = await listen(server, ports);
  try {
    const request = codeRequest(metadata, { clientId, scope, redirectUri: loopbackRedirect(port) });
    const code = codeFrom(server, { port, state: request.state, issuer: metadata.issuer, signal, timeoutMs });
    show(request.url);
    return await request.redeem(await code);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Takes the first port that is free. Throws UNAVAILABLE if none is. */
async function listen(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    const isFree = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
      );
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    server.removeAllListeners('error');
    if (isFree) return port;
  }
  throw new DomainError('UNAVAILABLE', `one of the ports ${ports.join(', ')} must be free for the sign-in`);
}

interface Expected {
  readonly port: number;
  readonly state: string;
  readonly issuer: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Resolves to the code of the first callback with the right state. Any other request gets 4xx and changes nothing. */
function codeFrom(server: Server, { port, state, issuer, signal, timeoutMs }: Expected): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (reason: string): void => reject(new DomainError('UNAUTHENTICATED', reason));
    const timer = setTimeout(() => refuse('the sign-in was not finished in time'), timeoutMs);
    const interrupt = (): void => reject(signal.reason);
    signal.addEventListener('abort', interrupt, { once: true });
    server.once('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupt);
    });
    let isUsed = false;
    server.on('request', (req, res) => {
      const send = (status: number, text: string): void => void res.writeHead(status, HEADERS).end(`${text}\n`);
      const parameters = callbackOf(req, port);
      if (!parameters) return send(404, 'Not found.');
      if (!isSameText(parameters.get('state') ?? '', state)) return send(400, 'This sign-in did not begin here.');
      const from = parameters.get('iss');
      if (from !== null && from !== issuer) return send(400, 'This sign-in is of another issuer.');
      if (isUsed) return send(400, 'This sign-in is finished already.');
      isUsed = true;
      const code = parameters.get('code');
      // The code is redeemed once the browser has its page: the server closes after that.
      res.once('close', () => {
        if (code !== null) resolve(code);
        else refuse(`the sign-in was refused: ${parameters.get('error') ?? 'no code was sent'}`);
      });
      if (code === null) send(400, 'The sign-in was refused. You can close this page.');
      else send(200, 'You are signed in. Close this page and return to your terminal.');
    });
  });
}

const HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'content-security-policy': "default-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  connection: 'close',
};

/** The query of a callback; undefined for any other request, and for one by another host name (DNS rebinding). */
function callbackOf(request: IncomingMessage, port: number): URLSearchParams | undefined {
  const { method, url = '', headers, rawHeaders } = request;
  if (!hasValidHost(rawHeaders)) return undefined;
  if (method !== 'GET' || ![`localhost:${port}`, `127.0.0.1:${port}`].includes(headers.host ?? '')) return undefined;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  return pathname === '/callback' ? searchParams : undefined;
}
