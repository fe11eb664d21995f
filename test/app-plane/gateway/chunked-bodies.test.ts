import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { echo, type Fixture, rawExchange, startFixture, tenantRoute } from './fixture.ts';

const STARTED = 'http.server.request.start';
const CHUNKED = 'Transfer-Encoding: chunked';
/** 180 KB on the wire. */
const TINY = 30_000;

let fixture: Fixture;
let authorization: string;
/** Pieces of bodies that the gateway has been given. */
let pieces = 0;
let countPiece = (_length: number): void => undefined;

/** Counts the pieces of bodies that Node's parser hands to JavaScript. No other request is served while it hands over one. */
function onStart(message: unknown): void {
  const { server, request } = message as { server: unknown; request: IncomingMessage };
  if (server !== fixture.gateway.server) return;
  const push = request.push.bind(request);
  request.push = (piece, encoding) => {
    if (piece !== null) {
      pieces += 1;
      countPiece(piece.length);
    }
    return push(piece, encoding);
  };
}

beforeEach(async () => {
  pieces = 0;
  fixture = await startFixture();
  subscribe(STARTED, onStart);
  await fixture.serve('orders', echo);
  await fixture.servePlatform(echo);
  authorization = await fixture.addTenant(tenantRoute('acme00001'));
});
afterEach(async () => {
  unsubscribe(STARTED, onStart);
  await fixture.close();
});

function post(path: string, body: string, ...lines: string[]): string {
  return [`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: ${authorization}`, ...lines, '', body].join('\r\n');
}

const chunks = (data: string, size = 1): string =>
  (data.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [])
    .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join('');

const exchange = (bytes: string): Promise<string> => rawExchange(fixture.port, bytes);

function statuses(text: string): string[] {
  return text.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? [];
}

/** What the service or the platform has received as bodies, in order. */
function bodies(text: string): string[] {
  return [...text.matchAll(/"body":("[^"]*")/g)].map((match) => JSON.parse(match[1] ?? '') as string);
}

describe('SE-6: a body in chunks of one byte', () => {
  test.each([
    ['to a service', '/api/orders'],
    ['to the platform', '/control-plane/onboarding'],
  ])('%s arrives whole, and costs the gateway a few pieces for each read', async (_what, path) => {
    const data = 'x'.repeat(TINY);
    const text = await exchange(post(path, `${chunks(data)}0\r\n\r\n`, CHUNKED, 'Connection: close'));
    expect([statuses(text), bodies(text)]).toEqual([['200'], [data]]);
    // Node reads at most 64 KB at once; a busy machine may divide 180 KB into more reads.
    expect(pieces).toBeLessThan(TINY / 100);
  });

  test.each([
    ['without a token', 'POST /api/orders HTTP/1.1\r\nHost: x\r\n', '401'],
    ['that the gateway does not read', 'POST /healthz HTTP/1.1\r\nHost: x\r\n', '200'],
  ])('%s costs no more', async (_what, head, status) => {
    const text = await exchange(`${head}${CHUNKED}\r\n\r\n${chunks('x'.repeat(TINY))}0\r\n\r\n`);
    expect(statuses(text)).toEqual([status]);
    expect(pieces).toBeLessThan(TINY / 100);
  });

  test('of 10 requests in a row costs no more', async () => {
    const small = 'x'.repeat(3_000);
    const one = post('/api/orders', `${chunks(small)}0\r\n\r\n`, CHUNKED);
    const last = post('/api/orders', `${chunks(small)}0\r\n\r\n`, CHUNKED, 'Connection: close');
    const text = await exchange(`${one.repeat(9)}${last}`);
    expect(bodies(text)).toEqual(Array(10).fill(small));
    expect(pieces).toBeLessThan(TINY / 100);
  });
});

test('SE-6: a client that always sends chunks gets one piece of 16 KiB in a turn of the event loop, so that everybody else gets a turn', async () => {
  let perTurn = 0;
  let most = 0;
  const onTurn = (): void => {
    most = Math.max(most, perTurn);
    perTurn = 0;
  };
  let longest = 0;
  countPiece = (length) => {
    longest = Math.max(longest, length);
    if (perTurn === 0) setImmediate(onTurn);
    perTurn += 1;
  };
  const text = await exchange(
    post('/api/orders', `${chunks('x'.repeat(250_000))}0\r\n\r\n`, CHUNKED, 'Connection: close'),
  );
  countPiece = () => undefined;
  expect(statuses(text)).toEqual(['200']);
  expect([most, longest <= 16 * 1024]).toEqual([1, true]);
});

describe('a chunked request', () => {
  test('keeps its headers, trailers are not passed on, and the connection serves the next request', async () => {
    const first = post(
      '/api/orders?a=1',
      '3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n',
      CHUNKED,
      'X-Note: caf\u00e9',
      'x-note:  2 ',
    );
    const text = await exchange(`${first}${post('/api/orders', 'xyz', 'Content-Length: 3', 'Connection: close')}`);
    expect([statuses(text), bodies(text)]).toEqual([
      ['200', '200'],
      ['abc', 'xyz'],
    ]);
    expect(text).toContain('"/orders?a=1"');
    expect(text).toMatch(/"X-Note","caf\S+","x-note","2"/i);
    expect(text).not.toContain('X-Sum');
  });

  test('is served after the requests before it, and before those behind it', async () => {
    const get = (path: string, ...lines: string[]): string =>
      [`GET /api/orders/${path} HTTP/1.1`, 'Host: x', `Authorization: ${authorization}`, ...lines, '', ''].join('\r\n');
    const chunked = (path: string): string => post(`/api/orders/${path}`, '1\r\nx\r\n0\r\n\r\n', CHUNKED);
    const row = [get('1'), get('2'), chunked('3'), get('4'), chunked('5'), chunked('6'), get('7', 'Connection: close')];
    const text = await exchange(row.join(''));
    expect(text.match(/(?<=orders\/)\d/g)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  });

  test('may arrive byte by byte', async () => {
    const bytes = post('/api/orders', `${chunks('hello', 2)}0\r\n\r\n`, CHUNKED, 'Connection: close');
    const socket = open('');
    for (const byte of bytes) await new Promise((resolve) => socket.write(byte, 'latin1', resolve));
    await until(() => socket.closed);
    expect(bodies(received)).toEqual(['hello']);
  });

  test('waits for 100 Continue if it expects that', async () => {
    const socket = open(post('/api/orders', '', CHUNKED, 'Expect: 100-continue', 'Connection: close'));
    await until(() => received.includes('100 Continue'));
    socket.write(`${chunks('late')}0\r\n\r\n`);
    await until(() => socket.closed);
    expect(bodies(received)).toEqual(['late']);
  });

  test.each([
    ['a malformed chunk', '1\r\nx\r\nz\r\n', '400'],
    ['a malformed chunk after thousands', `${chunks('x'.repeat(5_000))}g\r\n`, '400'],
    ['a length too', '1\r\nx\r\n0\r\n\r\n', '400', 'Content-Length: 3'],
    ['another coding that is not the last one', '1\r\nx\r\n0\r\n\r\n', '400', 'Transfer-Encoding: gzip'],
    ['an upgrade', '1\r\nx\r\n0\r\n\r\n', '400', 'Upgrade: websocket', 'Connection: Upgrade'],
    ['more than the platform takes', chunks('x'.repeat(300_000), 7), '413'],
  ])('with %s is refused', async (_what, body, status, ...lines) => {
    const text = await exchange(post('/control-plane/onboarding', body, CHUNKED, ...lines));
    expect(statuses(text)).toEqual([status]);
  });

  test('whose client leaves frees what it occupied', async () => {
    const socket = open(post('/api/orders', '1\r\nx\r\n', CHUNKED));
    await until(() => pieces === 1);
    socket.destroy();
    await until(async () => (await connections()) === 0);
  });

  test('100 times on one connection leaves no listeners behind', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', onWarning);
    const socket = open('');
    for (let count = 1; count <= 100; count++) {
      socket.write(post('/control-plane/x', '1\r\nx\r\n0\r\n\r\n', CHUNKED));
      await until(() => bodies(received).length === count);
    }
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    socket.destroy();
  });
});

let received = '';

function open(bytes: string): Socket {
  received = '';
  const socket = connect({ port: fixture.port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined).on('data', (data) => (received += data));
  socket.write(bytes, 'latin1');
  return socket;
}

function connections(): Promise<number> {
  return new Promise((resolve) => fixture.gateway.server.getConnections((_error, count) => resolve(count)));
}
