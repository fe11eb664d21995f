import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { type Fixture, type FixtureOptions, rawExchange, startFixture, tenantRoute } from './fixture.ts';

const CLIENTS = 200;
/** More than a connection's buffers hold. */
const LARGE = Buffer.alloc(10 * 2 ** 20, 120);
const PAGE = LARGE.subarray(0, 2 ** 20);
const GET_LARGE = 'GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

let fixture: Fixture;
let authorization: string;
let sockets: Socket[] = [];
let received: string[] = [];

/** The platform: responds to a body when it has all of it, and with much at `/large` and `/page`. */
async function platform(request: IncomingMessage, response: ServerResponse): Promise<void> {
  received.push(`${request.method} ${request.url}`);
  for await (const _chunk of request);
  response.end(request.url === '/large' ? LARGE : request.url === '/page' ? PAGE : 'platform');
}

async function start(options: FixtureOptions = {}): Promise<void> {
  fixture = await startFixture(options);
  await fixture.servePlatform((request, response) => void platform(request, response));
  await fixture.serve('products', (_request, response) => response.end('service'));
  authorization = await fixture.addTenant(tenantRoute('acme00001'));
}

beforeEach(() => {
  [sockets, received] = [[], []];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await fixture.close();
});

/** Connects and sends bytes. What arrives is not read unless a test does. */
async function send(bytes: string, from = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: fixture.port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  sockets.push(socket);
  socket.pause();
  await new Promise<void>((sent) => void socket.write(bytes, () => sent()));
  return socket;
}

function flood(bytes: string, clients = CLIENTS): Promise<Socket[]> {
  return Promise.all(Array.from({ length: clients }, (_, i) => send(bytes, `127.0.1.${1 + (i % 250)}`)));
}

/** Connections that the gateway holds. */
function connections(): Promise<number> {
  return new Promise((resolve) => fixture.gateway.server.getConnections((_error, count) => resolve(count)));
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Reads to the end. @returns the number of bytes */
async function lengthOf(socket: Socket): Promise<number> {
  let length = 0;
  socket.on('data', (data: Buffer) => {
    length += data.length;
  });
  await closed(socket);
  return length;
}

/** Checks that everybody else is served, and fast enough to be useful. */
async function expectService(): Promise<void> {
  const signal = AbortSignal.timeout(15_000);
  const text = async (path: string, init: RequestInit = {}): Promise<string> =>
    (await fetch(`${fixture.url}${path}`, { ...init, signal })).text();
  expect(await text('/healthz')).toBe('{"status":"ok"}');
  expect(await text('/api/products', { headers: { authorization } })).toBe('service');
  expect(await text('/realms/pool/auth')).toBe('platform');
  expect(await text('/realms/pool/token', { method: 'POST', body: 'code=1' })).toBe('platform');
  expect(await text('/control-plane/tenants', { headers: { authorization } })).toBe('platform');
}

const CHUNKED = 'POST /control-plane/onboarding HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n';
const DECLARED = 'POST /realms/pool/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx';

describe('SE-6: bodies to the platform that never end', () => {
  test.each([
    ['chunked', CHUNKED],
    ['declared', DECLARED],
  ])('occupy no connection to the platform: %s', async (_kind, bytes) => {
    await start({ limits: { connections: 4 } });
    await flood(bytes);
    await expectService();
    expect(received.filter((line) => line.startsWith('POST /control-plane'))).toEqual([]);
  });

  test('get 408 after their time, and the connection closes', async () => {
    await start({ limits: { platformBodyTimeoutMs: 50 } });
    const response = await rawExchange(fixture.port, CHUNKED);
    expect(response).toMatch(/^HTTP\/1\.1 408 /);
    expect(response).toContain('connection: close');
  });

  test('give way to newer ones of the same client', async () => {
    await start();
    const first = await send(CHUNKED);
    let response = '';
    first.on('data', (data) => (response += data)).resume();
    for (let count = 1; count <= 256; count++) await send(CHUNKED);
    await until(() => response.startsWith('HTTP/1.1 408 '));
    await expectService();
  });

  test('get 413 above 256 KiB, declared or in pieces', async () => {
    await start();
    const tooLong = 'x'.repeat(256 * 1024 + 1);
    const post = (init: RequestInit): Promise<Response> =>
      fetch(`${fixture.url}/realms/pool/token`, { method: 'POST', ...init });
    expect((await post({ body: tooLong })).status).toBe(413);
    const pieces = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(tooLong));
        controller.close();
      },
    });
    const streamed = { body: pieces, duplex: 'half' } as RequestInit;
    expect((await post(streamed)).status).toBe(413);
    expect((await post({ body: tooLong.slice(1) })).status).toBe(200);
    expect(received).toHaveLength(1);
  });
});

describe('SE-6: responses that nobody reads', () => {
  test('occupy no connection to the platform, also if hundreds of requests are pipelined', async () => {
    await start({ limits: { connections: 4 } });
    await flood('GET /page HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20), 12);
    await expectService();
  });

  test('are broken off when their client holds too many bytes, the oldest first', async () => {
    await start();
    const first = await send(GET_LARGE);
    for (let count = 0; count < 4; count++) await send(GET_LARGE);
    await until(async () => (await connections()) < 5);
    expect(await lengthOf(first)).toBeLessThan(LARGE.length);
    expect(await lengthOf(sockets.at(-1) as Socket)).toBeGreaterThan(LARGE.length);
  });
});

describe('SE-6: pipelined requests', () => {
  test('are served one after the other, and in order', async () => {
    await start();
    let [atOnce, most] = [0, 0];
    await fixture.serve('orders', async (request, response) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      // Time for a second request to arrive.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      atOnce -= 1;
      response.end(request.url);
    });
    const requests = ['1', '2', '3', '4'].map(
      (id) => `GET /api/orders/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n`,
    );
    const text = await rawExchange(fixture.port, `${requests.join('\r\n')}Connection: close\r\n\r\n`);
    expect(text.match(/\/orders\/\d/g)).toEqual(['/orders/1', '/orders/2', '/orders/3', '/orders/4']);
    expect(most).toBe(1);
  });
});

describe('SE-6: connections without a request', () => {
  test('of one client give way to its newer ones', async () => {
    await start({ limits: { connectionsPerClient: 10 } });
    const idle: Socket[] = [];
    for (let count = 0; count < 12; count++) idle.push(await send(''));
    await until(() => idle[0]?.resume().closed && idle[1]?.resume().closed);
    expect(idle[11]?.closed).toBe(false);
    await expectService();
  });

  test('give way to other clients when there are too many in all', async () => {
    await start({ limits: { clientConnections: 20 } });
    for (let count = 0; count < 30; count++) await send('', '127.0.2.1');
    await expectService();
  });

  test('do not give way while a request is in progress', async () => {
    await start({ limits: { connectionsPerClient: 3 } });
    const busy = await Promise.all([1, 2, 3].map(() => send(`${CHUNKED.slice(0, -8)}Expect: 100-continue\r\n\r\n`)));
    await Promise.all(busy.map((socket) => new Promise((resolve) => socket.once('data', resolve).resume())));
    await closed(await send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
    expect(busy.map((socket) => socket.closed)).toEqual([false, false, false]);
  });
});

describe('SE-6: long paths', () => {
  test.each([
    ['a path of 15 KB', `/${'x'.repeat(15_000)}`],
    ['a path of 2,049 characters', `/${'x'.repeat(2_048)}`],
    ['a service path of 3 KB', `/api/products/${'x'.repeat(3_000)}`],
    ['a query of 9 KB', `/realms/pool/auth?${'x'.repeat(9_000)}`],
  ])('%s gets 414 and a short line in the log', async (_what, path) => {
    await start();
    const response = await fetch(`${fixture.url}${path}`);
    expect([response.status, await response.json()]).toEqual([414, { message: 'URI Too Long' }]);
    const [line] = await fixture.accessLog(1);
    expect(String(line?.path).length).toBeLessThanOrEqual(257);
    expect(received).toEqual([]);
  });
});
