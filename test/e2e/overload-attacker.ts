import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A process that attacks a platform on this machine: `node overload-attacker.ts <attack> <port> <ms>`. Each of its 200 clients
 * has its own loopback address. It prints how many of its requests got which status.
 */

const CLIENTS = 200;
const [attack = '', port = '', ms = ''] = process.argv.slice(2);
const endsAt = Date.now() + Number(ms);
const statuses = new Map<string, number>();

function count(status: string): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

function addressOf(client: number): string {
  return `127.0.${1 + (client % 4)}.${1 + Math.floor(client / 4)}`;
}

/** Sends bytes on a new connection, and begins again when the gateway closes it. */
async function hold(client: number, bytes: string, { reads = false } = {}): Promise<void> {
  while (Date.now() < endsAt) {
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: addressOf(client) });
    socket.on('error', () => undefined);
    if (reads) socket.resume();
    else socket.pause();
    socket.write(bytes);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await Promise.race([closed, wait(Math.max(0, endsAt - Date.now()))]);
    count(socket.closed ? 'closed' : 'held');
    socket.destroy();
    await wait(20);
  }
}

const noToken = (): Record<string, string> => ({});

/** A well-formed token with an invented signature and key id, so that its issuer's keys must be looked at. */
function inventedToken(realm: string, tenantId: string): Record<string, string> {
  const claims = {
    iss: `http://127.0.0.1:${port}/realms/${realm}`,
    sub: randomUUID(),
    aud: 'urn:tierplane:api',
    client_id: 'tierplane-app',
    token_use: 'access',
    tenantId,
    exp: Math.floor(Date.now() / 1_000) + 600,
  };
  const parts = [{ alg: 'RS256', kid: randomUUID() }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return { authorization: `Bearer ${parts.join('.')}.${'A'.repeat(342)}` };
}

/** Of a realm that exists, or of a new one for each request. */
function inventedTokens(client: number): () => Record<string, string> {
  if (client % 2) return () => inventedToken('pool', 'acme00001');
  return () => {
    const tenantId = randomUUID().replaceAll('-', '').slice(0, 16);
    return inventedToken(`tenant-${tenantId}`, tenantId);
  };
}

/** Sends one request after the other. */
async function repeat(
  client: number,
  method: string,
  path: string,
  { body = '', token = noToken } = {},
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const contentHeaders = body === '' ? {} : { 'content-type': 'application/json', 'content-length': body.length };
  const options = { host: '127.0.0.1', port, localAddress: addressOf(client), method, path, agent };
  while (Date.now() < endsAt) {
    const headers = { ...contentHeaders, ...token() };
    await new Promise<void>((resolve) => {
      const sending = request({ ...options, headers }, (response) => {
        count(String(response.statusCode));
        response.resume().once('close', resolve);
      });
      // A refused body breaks the connection while it is still being sent.
      sending.once('close', resolve);
      sending.once('error', (error: NodeJS.ErrnoException) => {
        count(error.code ?? error.message);
        resolve();
      });
      sending.end(body);
    });
  }
  agent.destroy();
}

function keys(number: number): string {
  return JSON.stringify(Object.fromEntries(Array.from({ length: number }, (_, key) => [`k${key}`, 1])));
}

const [LARGE_BODY, SMALL_BODY] = [keys(90_000), keys(1_200)];
const AUTH = `/realms/pool/auth?client_id=tierplane-cli&response_type=code&scope=openid&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=${'s'.repeat(1_000)}`;
const TINY_CHUNKS = '1\r\nx\r\n'.repeat(300_000);
const BODY_HEAD = 'POST /control-plane/onboarding HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

const ATTACKS: Record<string, (client: number) => Promise<void>> = {
  bodies: (client) => hold(client, `${BODY_HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`),
  // Beyond what a connection may hold, so that the client always sends.
  chunks: (client) => hold(client, `${BODY_HEAD}Transfer-Encoding: chunked\r\n\r\n${TINY_CHUNKS}`, { reads: true }),
  tokens: (client) => repeat(client, 'GET', '/api/products', { token: inventedTokens(client) }),
  pipelines: (client) => hold(client, 'GET /realms/pool/account HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(400)),
  posts: (client) =>
    hold(client, 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx'.repeat(900), { reads: true }),
  unread: (client) => hold(client, 'GET /control-plane/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(60)),
  keys: (client) => repeat(client, 'POST', '/control-plane/onboarding', { body: client % 2 ? LARGE_BODY : SMALL_BODY }),
  auth: (client) => repeat(client, 'GET', AUTH),
  paths: (client) => repeat(client, 'GET', `/${'x'.repeat(15_000)}`),
};

await Promise.all(Array.from({ length: CLIENTS }, (_, client) => ATTACKS[attack]?.(client)));
process.stdout.write(`${JSON.stringify(Object.fromEntries(statuses))}\n`);
