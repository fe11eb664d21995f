import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { type Fixture, rawExchange, startFixture, tenantRoute } from './fixture.ts';

/** Requests of one connection that may wait for their responses at the same time (docs/security.md). */
const LIMIT = 32;
const STARTED = 'http.server.request.start';
const FINISHED = 'http.server.response.finish';
const LARGE = Buffer.alloc(8 * 2 ** 20, 120);

let fixture: Fixture;
let authorization: string;
let received: string[];
/** Requests that the gateway has read from its clients. */
let started = 0;
let sockets: Socket[];

function onStart(message: unknown): void {
  if ((message as { server: unknown }).server === fixture.gateway.server) started += 1;
}

/** A service that responds in its own time, much at `/large`, and never at `/held` until `releaseHeld`. */
async function service(request: IncomingMessage, response: ServerResponse): Promise<void> {
  received.push(request.url ?? '');
  if (request.url?.endsWith('/held')) {
    held.push(response);
    return;
  }
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  response.end(request.url?.endsWith('/large') ? LARGE : request.url);
}

let held: ServerResponse[];

beforeEach(async () => {
  [received, sockets, held, started] = [[], [], [], 0];
  fixture = await startFixture();
  subscribe(STARTED, onStart);
  await fixture.serve('orders', (request, response) => void service(request, response));
  authorization = await fixture.addTenant(tenantRoute('acme00001'));
});
afterEach(async () => {
  unsubscribe(STARTED, onStart);
  for (const socket of sockets) socket.destroy();
  await fixture.close();
});

const get = (path: string, ...lines: string[]): string =>
  [`GET /api/orders/${path} HTTP/1.1`, 'Host: x', `Authorization: ${authorization}`, ...lines, '', ''].join('\r\n');

/** Requests with the paths 1 to `count`. */
const numbered = (count: number): string => Array.from({ length: count }, (_, i) => get(String(i + 1))).join('');
const upTo = (count: number): string[] => Array.from({ length: count }, (_, i) => `/orders/${i + 1}`);

const exchange = (bytes: string): Promise<string> => rawExchange(fixture.port, bytes);

function open(bytes: string, from = '127.0.0.1'): Socket {
  const socket = connect({ port: fixture.port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  sockets.push(socket);
  socket.pause();
  socket.write(bytes);
  return socket;
}

/** The status lines of the responses, in order. */
function statuses(text: string): string[] {
  return text.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? [];
}

describe('SE-6: pipelined requests', () => {
  test('are all served in order up to the limit, and the connection stays open', async () => {
    const text = await exchange(`${numbered(LIMIT - 1)}${get(String(LIMIT), 'Connection: close')}`);
    expect(text.match(/\/orders\/\d+/g)).toEqual(upTo(LIMIT));
    expect(text.match(/connection: close/gi)).toHaveLength(1);
  });

  test('can go on without end if the client waits for responses', async () => {
    const socket = open(numbered(LIMIT)).resume();
    let text = '';
    socket.on('data', (data) => (text += data));
    for (const round of [1, 2, 3]) {
      await until(() => statuses(text).length === round * LIMIT);
      socket.write(numbered(LIMIT));
    }
    await until(() => statuses(text).length === 4 * LIMIT);
    expect(socket.closed).toBe(false);
  });

  test('above the limit are not read: the responses before arrive, and the last one announces the end', async () => {
    const text = await exchange(numbered(400));
    expect(text.match(/\/orders\/\d+/g)).toEqual(upTo(LIMIT));
    expect(text.slice(text.lastIndexOf('HTTP/1.1'))).toMatch(/connection: close/i);
    expect([received.length, started]).toEqual([LIMIT, LIMIT]);
  });

  test.each([
    ['without a token', 'GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n', '401'],
    ['to the gateway itself', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', '200'],
    ['with an empty body', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', '200'],
    [
      'with a body, which Node reads between two responses',
      'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx',
      '200',
    ],
    ['of HTTP/1.0', 'GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', '200'],
  ])('%s count too', async (_what, request, status) => {
    const text = await exchange(request.repeat(1_000));
    expect(statuses(text)).toEqual(Array(LIMIT).fill(status));
    expect(started).toBe(LIMIT);
  });

  test.each([
    ['without Host', 'GET /healthz HTTP/1.1\r\n\r\n', '400'],
    ['with two hosts', 'GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', '400'],
    ['with an unknown expectation', 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n', '417'],
    ['that expect more than they send', 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n', '200'],
  ])('%s end with the first response', async (_what, request, status) => {
    const text = await exchange(request.repeat(1_000));
    expect(statuses(text)).toEqual([status]);
    expect(text).toMatch(/connection: close/i);
    expect(started).toBeLessThanOrEqual(LIMIT);
  });

  test('are served one in each turn of the event loop, so that everybody else gets a turn', async () => {
    let served = 0;
    const perTurn: number[] = [];
    const countTurn = (): void => {
      if (served > 0) perTurn.push(served);
      served = 0;
    };
    const onFinish = (message: unknown): void => {
      if ((message as { server: unknown }).server !== fixture.gateway.server) return;
      if (served === 0) setImmediate(countTurn);
      served += 1;
    };
    subscribe(FINISHED, onFinish);
    const post = 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx';
    for (const request of ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', post]) await exchange(request.repeat(400));
    unsubscribe(FINISHED, onFinish);
    expect(perTurn.reduce((sum, count) => sum + count)).toBe(2 * LIMIT);
    expect(Math.max(...perTurn)).toBe(1);
  });

  test('of 50 clients that do not read cost the gateway no more than the limit of each', async () => {
    await fixture.servePlatform((_request, response) => response.end('page'));
    const request = 'GET /realms/pool/account HTTP/1.1\r\nHost: x\r\n\r\n';
    for (let client = 0; client < 50; client++) open(request.repeat(400), `127.0.1.${1 + client}`);
    await until(() => started >= 50 * LIMIT);
    expect((await fetch(`${fixture.url}/healthz`)).status).toBe(200);
    expect(started).toBe(50 * LIMIT + 1);
  });

  test('above the limit do not stop a response that is larger than the buffers of the connection', async () => {
    const text = await exchange(`${get('large')}${get('large')}${numbered(400)}`);
    expect(text.length).toBeGreaterThan(2 * LARGE.length);
    expect(text.match(/\/orders\/\d+/g)).toEqual(upTo(LIMIT - 2));
  });

  test('are forgotten when the gateway finds that the client has left', async () => {
    const socket = open(`${get('held')}${get('large')}${numbered(400)}`);
    await until(() => held.length === 1);
    socket.destroy();
    held[0]?.end('late');
    await until(async () => (await connections()) === 0);
    expect(received.length).toBeLessThan(LIMIT);
  });
});

/** Connections that the gateway holds. */
function connections(): Promise<number> {
  return new Promise((resolve) => fixture.gateway.server.getConnections((_error, count) => resolve(count)));
}

describe('SE-6: the refusal of a pipelined request comes after the responses to the requests before', () => {
  const REFUSED = [
    ['an upgrade', 'GET /api/orders HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
    ['a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n'],
    ['bytes that are not HTTP', 'NONSENSE\r\n\r\n'],
    ['headers beyond 16 KB', `GET / HTTP/1.1\r\nX-Big: ${'x'.repeat(17_000)}\r\n\r\n`],
    ['a malformed body', 'POST /api/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'],
  ] as const;

  test.each(REFUSED)('%s', async (_what, bytes) => {
    const response = exchange(`${get('held')}${get('1')}${bytes}`);
    await until(() => held.length === 1);
    held[0]?.end('first');
    const text = await response;
    expect(statuses(text).slice(0, 2)).toEqual(['200', '200']);
    expect(statuses(text)[2]).toMatch(/^4/);
    expect(statuses(text)).toHaveLength(3);
    expect(text.indexOf('first')).toBeLessThan(text.indexOf('/orders/1'));
    expect(text.slice(text.lastIndexOf('HTTP/1.1'))).toContain('connection: close');
  });

  test('nothing follows a response that closes the connection', async () => {
    const text = await exchange(`${get('1', 'Connection: close')}${get('2')}`);
    expect(statuses(text)).toEqual(['200']);
    expect(text).toContain('/orders/1');
  });

  test('a malformed body breaks the connection if its response has begun', async () => {
    await fixture.serve('products', (_request, response) => void response.writeHead(200).write('begun'));
    const head = `POST /api/products HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const socket = open(head).resume();
    let text = '';
    socket.on('data', (data) => (text += data));
    await until(() => text.includes('begun'));
    socket.write('z\r\n');
    await until(() => socket.closed);
    expect(statuses(text)).toEqual(['200']);
  });
});

test('SE-6: connections with a refused upgrade that the client keeps open do not keep the gateway from stopping', async () => {
  const socket = open('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  const behind = open(`${get('held')}${numbered(400)}`);
  await until(() => held.length === 1);
  await fixture.gateway.drain(0);
  await until(() => socket.resume().closed && behind.resume().closed);
});
