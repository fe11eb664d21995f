import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { expect, test } from '@jest/globals';
import { request } from 'undici';
import { PROBLEMS } from '../../../app-plane/ingress/problems.ts';
import { DomainError } from '../../../core/errors.ts';
import { Problem, toProblem } from '../../../services/kit/problem.ts';
import { until } from '../../support/until.ts';
import { IngressScene } from './scene.ts';

/** The values of one header in a raw list. */
function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name);
}

test('Authorization and the headers that the gateway vouches for reach the service, duplicates included', async () => {
  await using scene = await IngressScene.start();
  const vouched = ['x-tierplane-tenant', 'x-tierplane-tier', 'tenantpath', 'x-forwarded-for', 'x-request-id'];
  const headers = ['authorization', 'Bearer a.b.c', ...vouched.flatMap((name) => [name, `${name} 1`])];
  await request(`${scene.url}/products`, { headers: [...headers, 'x-own', 'a', 'x-own', 'b'] });
  const [{ rawHeaders } = { rawHeaders: [] }] = scene.received;
  expect(valuesOf(rawHeaders, 'authorization')).toEqual(['Bearer a.b.c']);
  for (const name of vouched) expect(valuesOf(rawHeaders, name)).toEqual([`${name} 1`]);
  expect(valuesOf(rawHeaders, 'x-own')).toEqual(['a', 'b']);
  expect(valuesOf(rawHeaders, 'host')).toEqual(['products:8080']);
});

test('headers of the connection stay on it, in both directions', async () => {
  await using scene = await IngressScene.start();
  scene.respond('products', (_request, response) => {
    const own = ['Connection', 'x-secret', 'X-Secret', '1', 'Keep-Alive', 'timeout=9', 'Proxy-Authenticate', 'Basic'];
    response.writeHead(200, [...own, 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'ETag', '"e"']).end('x');
  });
  const hop = ['Keep-Alive: 1', 'TE: trailers', 'Upgrade: h2c', 'HTTP2-Settings: x', 'Proxy-Authorization: Basic x'];
  const named = ['Connection: close, x-hop, authorization, x-tierplane-tenant', 'X-Hop: 1', 'Proxy-Connection: x'];
  const kept = ['Authorization: Bearer x', 'X-Tierplane-Tenant: t1'];
  const head = ['GET /products HTTP/1.1', 'Host: a', ...hop, ...named, ...kept];
  const text = await scene.raw(`${head.join('\r\n')}\r\n\r\n`);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).not.toMatch(/x-secret|timeout=9|proxy-authenticate/i);
  expect(text).toMatch(/set-cookie: a=1\r\nset-cookie: b=2\r\n/i);
  const { rawHeaders } = scene.received[0] ?? { rawHeaders: [] };
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  expect(names.toSorted()).toEqual(['authorization', 'connection', 'host', 'x-tierplane-tenant']);
  expect(valuesOf(rawHeaders, 'connection')).toEqual(['keep-alive']);
});

test.each([200, 204, 304, 400, 403, 404, 409, 412, 429, 500, 503])(
  'status %i of a service passes as it is',
  async (status) => {
    await using scene = await IngressScene.start();
    const body = [204, 304].includes(status) ? '' : 'its own body';
    scene.respond('orders', (_request, response) => {
      response.writeHead(status, { 'retry-after': '7', 'content-type': 'application/x-own' }).end(body);
    });
    const response = await request(`${scene.url}/orders`);
    expect(response.statusCode).toBe(status);
    expect(response.headers).toMatchObject({ 'retry-after': '7', 'content-type': 'application/x-own' });
    expect(await response.body.text()).toBe(body);
  },
);

test('a redirect is not followed, and HEAD has the length but no body', async () => {
  await using scene = await IngressScene.start();
  scene.respond('orders', ({ method }, response) => {
    if (method === 'HEAD') response.writeHead(200, { 'content-length': '17' }).end();
    else response.writeHead(307, { location: 'http://169.254.170.2/' }).end();
  });
  expect((await request(`${scene.url}/orders`)).headers.location).toBe('http://169.254.170.2/');
  const head = await request(`${scene.url}/orders`, { method: 'HEAD' });
  expect([head.statusCode, head.headers['content-length'], await head.body.text()]).toEqual([200, '17', '']);
});

test('bodies stream in both directions: each piece arrives before the next is sent', async () => {
  await using scene = await IngressScene.start();
  scene.respond('orders', (incoming, response) => {
    response.writeHead(200);
    response.flushHeaders();
    incoming.pipe(response);
  });
  const socket = scene.connect();
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  socket.write('POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
  for (const piece of ['first', 'second', 'third']) {
    socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await until(() => text.includes(piece));
  }
  socket.write('0\r\n\r\n');
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(text).toMatch(/0\r\n\r\n$/);
});

test('a body of 20 MB arrives unchanged', async () => {
  await using scene = await IngressScene.start();
  scene.respond('orders', (incoming, response) => void incoming.pipe(response));
  const body = Buffer.alloc(20_000_000, 'tierplane ');
  const response = await request(`${scene.url}/orders`, { method: 'PUT', body });
  expect(body.equals(Buffer.from(await response.body.arrayBuffer()))).toBe(true);
});

test('a response that comes before the body is read reaches the client, whose connection stays usable', async () => {
  await using scene = await IngressScene.start();
  scene.respond('orders', (_incoming, response) => {
    response.writeHead(413, { connection: 'close' }).end('too large');
  });
  const socket = scene.connect();
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  socket.write(`POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(1_000)}`);
  await until(() => text.includes('too large'));
  expect(text).toMatch(/^HTTP\/1\.1 413 /);
  socket.write(`${'x'.repeat(199_000)}GET /products HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  expect(text).toMatch(/HTTP\/1\.1 200 OK[\s\S]*products/);
});

test('a client that waits for 100 Continue gets it', async () => {
  await using scene = await IngressScene.start();
  const socket = scene.connect();
  socket.write(
    'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
  );
  const [first] = (await once(socket.setEncoding('latin1'), 'data')) as [string];
  expect(first).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('hi');
  const [second] = (await once(socket, 'data')) as [string];
  expect(second).toMatch(/^HTTP\/1\.1 200 OK/);
});

test.each([
  ['before the response begins', ''],
  ['within the response', 'begin'],
])('when the client disconnects %s, so does ingress from the service', async (_title, first) => {
  await using scene = await IngressScene.start();
  let ended = false;
  scene.respond('orders', (_request, response) => {
    if (first !== '') response.writeHead(200).write(first);
    response.once('close', () => {
      ended = true;
    });
  });
  const socket = scene.connect();
  socket.write('GET /orders HTTP/1.1\r\nHost: a\r\n\r\n');
  await (first === '' ? until(() => scene.received.length === 1) : once(socket, 'data'));
  socket.destroy();
  await until(() => ended);
  expect(scene.logged).toEqual([]);
});

test('a service that is not there: 503 with Retry-After, and it is found again when it is back', async () => {
  await using scene = await IngressScene.start();
  await scene.stop('orders');
  const response = await request(`${scene.url}/orders`);
  expect(response.statusCode).toBe(503);
  expect(response.headers).toMatchObject({
    'retry-after': '1',
    'content-type': 'application/problem+json; charset=utf-8',
  });
  expect(Problem.parse(await response.body.json())).toMatchObject({ status: 503 });
  expect((await request(`${scene.url}/products`)).statusCode).toBe(200);
  expect(scene.logged.join('\n')).toContain('"service":"orders"');
});

/** Bytes that a service sends instead of a response, and what the client gets. */
test.each([
  ['nothing, and closes', '', 503],
  ['half a head, and closes', 'HTTP/1.1 200 O', 503],
  ['no HTTP', 'hello\r\n\r\n', 502],
  ['a length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 502],
] as const)('a service that sends %s', async (_title, bytes, status) => {
  await using scene = await IngressScene.start();
  scene.respond('orders', ({ socket }) => void socket.end(bytes));
  const response = await request(`${scene.url}/orders`);
  expect([response.statusCode, Problem.parse(await response.body.json()).status]).toEqual([status, status]);
  expect(response.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
});

test('a service that does not respond in time: 504', async () => {
  await using scene = await IngressScene.start({ responseMs: 300 });
  scene.respond('orders', () => undefined);
  expect((await request(`${scene.url}/orders`)).statusCode).toBe(504);
});

test('a response that breaks off ends the connection, so that the client does not take the part for the whole', async () => {
  await using scene = await IngressScene.start();
  scene.respond('orders', ({ socket }, response) => {
    response.writeHead(200).write('begin', () => socket.destroy());
  });
  const text = await scene.raw('GET /orders HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(text).toContain('begin');
  expect(text).not.toMatch(/0\r\n\r\n$/);
  await until(() => scene.logged.join('').includes('"failure":"broken-off"'));
});

test.each([
  ['a head', { headersMs: 200 }, 'GET /orders HTTP/1.1\r\nHo'],
  ['a body', { requestMs: 400, headersMs: 400 }, 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi'],
] as const)('%s that does not arrive in time: 408', async (_title, limits, bytes) => {
  await using scene = await IngressScene.start(limits);
  const text = await scene.raw(bytes);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(text).toContain('urn:tierplane:problem:request-timeout');
});

test('headers of more than 16 KiB: 431; a malformed request: 400', async () => {
  await using scene = await IngressScene.start();
  const large = await scene.raw(`GET /orders HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`);
  expect(large).toMatch(/^HTTP\/1\.1 431 .*connection: close/is);
  expect(await scene.raw('GET /orders HTTP/1.1\r\nno colon\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  const smuggled =
    'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
  expect(await scene.raw(smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  expect(scene.received).toEqual([]);
});

test('more requests than may be in progress get 503, and a slot is free again afterwards', async () => {
  await using scene = await IngressScene.start({ maxInFlight: 2 });
  const waiting: (() => void)[] = [];
  scene.respond('orders', (_request, response) => void waiting.push(() => response.end('late')));
  const held = [1, 2].map(() => request(`${scene.url}/orders`));
  await until(() => waiting.length === 2);
  const third = await request(`${scene.url}/orders`);
  expect([third.statusCode, third.headers['retry-after']]).toEqual([503, '1']);
  expect((await request(`${scene.url}/healthz`)).statusCode).toBe(200);
  for (const finish of waiting.splice(0)) finish();
  expect((await Promise.all(held)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  const next = request(`${scene.url}/orders`);
  await until(() => waiting.length === 1);
  waiting[0]?.();
  expect((await next).statusCode).toBe(200);
});

test('connections beyond the limit are closed', async () => {
  await using scene = await IngressScene.start({ maxConnections: 1 });
  const first = scene.connect();
  await once(first, 'connect');
  await until(
    () => new Promise((resolve) => scene.ingress.server.getConnections((_error, count) => resolve(count === 1))),
  );
  const dropped = once(scene.ingress.server, 'drop');
  const second = connectTcp(scene.port, '127.0.0.1');
  await Promise.all([dropped, once(second.resume(), 'close')]);
  first.destroy();
});

test('a drain finishes the requests in progress, closes idle connections and accepts no more', async () => {
  await using scene = await IngressScene.start();
  let finish = (): void => undefined;
  scene.respond('orders', (_request, response) => {
    finish = () => void response.end('whole');
  });
  const idle = scene.connect();
  await once(idle, 'connect');
  const held = request(`${scene.url}/orders`);
  await until(() => scene.received.length === 1);
  const kept = scene.connect();
  kept.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(kept, 'data');
  const drained = scene.ingress.drain(20_000);
  await Promise.all([once(idle.resume(), 'close'), once(kept.resume(), 'close')]);
  await expect(request(`${scene.url}/healthz`)).rejects.toThrow('ECONNREFUSED');
  finish();
  expect(await (await held).body.text()).toBe('whole');
  await drained;
});

test('a drain still responds to requests of its first moments, and asks to close the connection', async () => {
  await using scene = await IngressScene.start({ lingerMs: 60_000 });
  void scene.ingress.drain(60_000);
  const response = await request(`${scene.url}/products`);
  expect([response.statusCode, response.headers.connection]).toEqual([200, 'close']);
});

test('a drain ends after its time even if a service does not respond', async () => {
  await using scene = await IngressScene.start();
  scene.respond('orders', () => undefined);
  const held = request(`${scene.url}/orders`).catch((error: Error) => error);
  await until(() => scene.received.length === 1);
  await scene.ingress.drain(100);
  expect(await held).toBeInstanceOf(Error);
});

test("ingress's problems have the form of the services' problems, and the same words where both have the kind", () => {
  for (const problem of Object.values(PROBLEMS)) expect(Problem.parse(problem)).toEqual(problem);
  const { type, title, status } = PROBLEMS.unknownService;
  expect(toProblem(new DomainError('NOT_FOUND', 'x'))).toMatchObject({ type, title, status });
  const unavailable = PROBLEMS.unavailable;
  expect(toProblem(new DomainError('UNAVAILABLE', 'x'))).toMatchObject({
    type: unavailable.type,
    title: unavailable.title,
  });
});

test('the log has neither query nor credentials', async () => {
  await using scene = await IngressScene.start();
  await scene.stop('orders');
  const headers = { authorization: 'Bearer hidden.token.here', 'x-request-id': 'r-1' };
  await request(`${scene.url}/orders?code=hidden`, { headers });
  expect(scene.logged.length).toBe(1);
  expect(scene.logged[0]).toContain('"requestId":"r-1"');
  expect(scene.logged.join()).not.toContain('hidden');
});
