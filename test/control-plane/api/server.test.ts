import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import type { ControlPlaneDeps } from '../../../control-plane/api/http/deps.ts';
import { MAX_BODY_BYTES, type Principal } from '../../../control-plane/api/http/http.ts';
import { MACHINE, operation, PUBLIC } from '../../../control-plane/api/http/operation.ts';
import { createControlPlaneHandler, type HandlerOptions } from '../../../control-plane/api/server.ts';
import { closeServer, listen } from '../../support/http-server.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { silentLog } from '../../support/silent-log.ts';

const ORIGIN = 'https://admin.example.com';
let server: Server | undefined;
let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let handled: Promise<void>[];
let echoed: number;
beforeEach(async () => {
  scratch = await openScratchTable();
  [handled, echoed] = [[], 0];
});
afterEach(async () => {
  if (server) await closeServer(server);
  await scratch.close();
});

const responses = { 200: { description: 'Done.', body: z.unknown() } };
const common = { tag: 'Test', summary: 'Test', access: PUBLIC, responses } as const;
const OPERATIONS = [
  operation({
    ...{ ...common, id: 'echo', method: 'POST', path: '/echo' },
    handle({ request: { body, query, headers, path, method } }) {
      echoed += 1;
      return { status: 200, body: { body, query, own: headers['x-own'], path, method } };
    },
  }),
  operation({ ...{ ...common, id: 'root', method: 'GET', path: '/' }, handle: () => ({ status: 200, body: 'root' }) }),
  operation({
    ...{ ...common, id: 'page', method: 'GET', path: '/page' },
    responses: { 200: { description: 'A page.', body: z.string(), mediaType: 'text/html' } },
    handle: () => ({ status: 200, body: '<p>é</p>' }),
  }),
  operation({
    ...{ ...common, id: 'empty', method: 'DELETE', path: '/echo' },
    responses: { 204: { description: 'Done.' } },
    handle: () => ({ status: 204 }),
  }),
  operation({
    ...{ ...common, id: 'machine', method: 'PUT', path: '/echo', access: MACHINE },
    handle: () => ({ status: 200, body: 1 }),
  }),
];

async function start(options: Partial<HandlerOptions> = {}): Promise<string> {
  const authorize = async (): Promise<Principal> => ({ kind: 'anonymous' });
  const { table, clock } = scratch;
  const deps = { table, clock, log: silentLog, random: systemRandom } as unknown as ControlPlaneDeps;
  const handler = createControlPlaneHandler(deps, { authorize, operations: OPERATIONS, ...options });
  server = createServer((req, res) => void handled.push(handler(req, res)));
  return (await listen(server)).url;
}

/** Sends a request with headers as they are, which `fetch` would join. @returns the response */
async function send(url: string, options: { method: string; headers?: string[]; body?: string | Uint8Array }) {
  const { host } = new URL(url);
  const headers = ['host', host, ...(options.headers ?? [])];
  const sent = request(url, { method: options.method, headers, agent: false });
  sent.end(options.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, text: await text(response) };
}

const echo = async (url: string, options: { headers?: string[]; body?: string | Uint8Array } = {}) =>
  send(url, { method: 'POST', ...options });

describe('the transport of the control plane', () => {
  test('passes path, query, headers and body on, and joins repeated headers', async () => {
    const url = await start();
    const headers = ['X-Own', 'a', 'X-Own', 'b'];
    const response = await echo(`${url}/control-plane/echo?a=1&b=x%20y?z&a=2`, { headers, body: ' {é}' });
    expect([response.status, JSON.parse(response.text)]).toEqual([
      200,
      { body: ' {é}', query: { a: '2', b: 'x y?z' }, own: 'a, b', path: '/echo', method: 'POST' },
    ]);
    const bare = JSON.parse((await echo(`${url}/control-plane/echo`)).text);
    expect(bare).toEqual({ query: {}, path: '/echo', method: 'POST' });
  });

  test.each<[prefix: string | undefined, found: string[], missing: string[]]>([
    [
      undefined,
      ['/control-plane', '/control-plane/', '/control-plane?x'],
      ['/', '/control-planes', '/x/control-plane/', '/control-plant/'],
    ],
    ['/api', ['/api', '/api/'], ['/', '/control-plane/', '/api2/']],
    ['', ['/'], ['/control-plane/']],
  ])('serves paths below the prefix %j only', async (prefix, found, missing) => {
    const url = await start(prefix === undefined ? {} : { prefix });
    for (const path of found)
      expect([path, await send(url + path, { method: 'GET' })]).toMatchObject([path, { status: 200, text: 'root' }]);
    for (const path of missing)
      expect([path, await send(url + path, { method: 'GET' })]).toMatchObject([path, { status: 404 }]);
  });

  test('sends every response with its length, its type and headers against caching and sniffing', async () => {
    const url = `${await start()}/control-plane`;
    const protection = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', vary: 'origin' };
    const page = await send(`${url}/page`, { method: 'GET' });
    expect(page).toMatchObject({
      text: '<p>é</p>',
      headers: { ...protection, 'content-type': 'text/html', 'content-length': '9' },
    });
    const head = await send(`${url}/page`, { method: 'HEAD' });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '9']);
    const json = await send(`${url}/nothing`, { method: 'GET' });
    expect(json).toMatchObject({ status: 404, headers: { ...protection, 'content-type': 'application/json' } });
    const empty = await send(`${url}/echo`, { method: 'DELETE' });
    expect(empty).toMatchObject({ status: 204, text: '', headers: protection });
    for (const name of ['content-type', 'content-length']) expect(empty.headers).not.toHaveProperty(name);
  });

  test("responds with the client's request id, or with a new one", async () => {
    const url = `${await start()}/control-plane/`;
    const idOf = async (given: string) =>
      (await send(url, { method: 'GET', headers: ['x-request-id', given] })).headers['x-request-id'];
    expect(await idOf('abc-1')).toBe('abc-1');
    expect(await idOf('a b<')).toMatch(/^[0-9a-z]{26}$/);
  });

  test.each([
    ['of the limit', 'x'.repeat(MAX_BODY_BYTES), 200],
    ['over the limit', 'x'.repeat(MAX_BODY_BYTES + 1), 413],
    ['that is not UTF-8', Uint8Array.of(0xff), 400],
  ])('SE-6: a body %s is accepted or refused before the operation', async (_what, body, status) => {
    const response = await echo(`${await start()}/control-plane/echo`, { body });
    const refusal = {
      statusCode: status,
      message: expect.stringMatching(/^Request body (is not valid UTF-8|must have)/),
    };
    expect([response.status, JSON.parse(response.text)]).toEqual([
      status,
      status === 200 ? expect.anything() : refusal,
    ]);
  });

  test('refuses a stranger, and a path without operation, before the body', async () => {
    const url = `${await start()}/control-plane`;
    const body = Uint8Array.of(0xff);
    expect(await send(`${url}/echo`, { method: 'PUT', body })).toMatchObject({ status: 403 });
    expect(await echo(`${url}/nothing`, { body })).toMatchObject({ status: 404 });
  });

  test('does nothing for a client that disconnects within its body', async () => {
    const url = await start();
    const sent = request(`${url}/control-plane/echo`, {
      method: 'POST',
      headers: { 'content-length': 9 },
      agent: false,
    });
    sent.on('error', () => undefined);
    sent.write('half');
    while (handled.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    sent.destroy();
    await Promise.all(handled);
    expect(echoed).toBe(0);
  });
});

describe('SE-6: a page of another origin', () => {
  const ALLOWED = {
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': 'authorization, content-type, idempotency-key, x-request-id',
    'access-control-expose-headers': 'x-request-id, retry-after',
    'access-control-max-age': '600',
  };
  const EVERYONE = { ...ALLOWED, 'access-control-allow-origin': '*' };
  const LISTED = { ...ALLOWED, 'access-control-allow-origin': ORIGIN, vary: 'origin' };
  const NOBODY = { vary: 'origin' };

  test.each<[path: string, origin: string | undefined, headers: Record<string, string>]>([
    ['/tenant-config', 'https://acme.example', EVERYONE],
    ['/tenant-config/acme', undefined, EVERYONE],
    ['/tenant-configs', 'https://acme.example', NOBODY],
    ['/x/tenant-config', 'https://acme.example', NOBODY],
    ['/page', ORIGIN, LISTED],
    ['/page', 'https://evil.example', NOBODY],
    ['/page', `${ORIGIN}.evil.example`, NOBODY],
    ['/page', '', NOBODY],
    ['/page', undefined, NOBODY],
  ])('%s may be read by %s as far as the headers say', async (path, origin, expected) => {
    const url = `${await start({ corsOrigins: [ORIGIN, 'https://other.example.com'] })}/control-plane${path}`;
    const headers = origin === undefined ? [] : ['origin', origin];
    for (const method of ['OPTIONS', 'GET']) {
      const response = await send(url, { method, headers });
      if (method === 'OPTIONS') expect([response.status, response.text]).toEqual([204, '']);
      const cors = Object.entries(response.headers).filter(([name]) => /^access-control|^vary$/.test(name));
      expect(Object.fromEntries(cors)).toEqual(expected);
    }
  });

  test('is in no list by default', async () => {
    const response = await send(`${await start()}/control-plane/page`, { method: 'GET', headers: ['origin', ORIGIN] });
    expect(response.headers).not.toHaveProperty(['access-control-allow-origin']);
  });
});
