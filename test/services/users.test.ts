import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { buildUsers } from '../../services/users/app.ts';
import { closeServer, listen } from '../support/http-server.ts';
import { send, World } from './world.ts';

/** A request that the realm's users API received. */
interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

const JO = {
  userName: 'jo@acme.example',
  email: 'jo@acme.example',
  role: 'TenantUser',
  enabled: true,
  status: 'FORCE_CHANGE_PASSWORD',
  created: '2026-01-01T00:00:00.000Z',
};

let world: World;
let users: FastifyInstance;
let admin: string;
let identity: Server;
let received: ReceivedRequest[];
let reply: { status: number; body?: unknown };

beforeAll(async () => {
  world = await World.open();
  identity = createServer(async (request, response) => {
    const body = await text(request);
    const { method = '', url = '', headers } = request;
    received.push({ method, url, authorization: headers.authorization, body: body && JSON.parse(body) });
    response.writeHead(reply.status).end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  });
  const { url } = await listen(identity);
  world.onClose(() => closeServer(identity));
  const config = { tenant: '', identityUrl: url };
  users = world.use(buildUsers(world.parts('users', { config })));
  admin = await world.bearer();
});
beforeEach(() => {
  received = [];
  reply = { status: 200, body: JO };
});
afterAll(() => world.close());

describe('the users service', () => {
  test('RT-6: lists, gets, invites, changes and deletes users with the token of the caller', async () => {
    reply = {
      status: 200,
      body: { data: [{ ...JO, subject: 'secret-sub', passwordHash: 'x' }], next_token: 'opaque' },
    };
    const list = await send(users, 'GET', '/v1/users?limit=1', admin);
    expect(list.body).toEqual({ data: [JO], next_token: expect.any(String) });
    await send(users, 'GET', `/users?next_token=${list.body.next_token}`, admin);

    reply = { status: 201, body: JO };
    const made = await send(users, 'POST', '/users', admin, { email: JO.email });
    expect(made).toMatchObject({ status: 201, body: JO });
    expect(made.headers.location).toBe('users/jo%40acme.example');

    reply = { status: 200, body: JO };
    const path = `/users/${encodeURIComponent(JO.userName)}`;
    expect((await send(users, 'GET', path, admin)).body).toEqual(JO);
    expect((await send(users, 'PUT', path, admin, { role: 'TenantUser', enabled: false })).status).toBe(200);
    expect((await send(users, 'PATCH', path, admin, { enabled: true })).status).toBe(200);
    expect((await send(users, 'POST', `${path}/invitation`, admin)).body).toEqual(JO);
    reply = { status: 204 };
    expect(await send(users, 'DELETE', path, admin)).toMatchObject({ status: 204, text: '' });

    const base = '/realms/pool/users';
    expect(received.map(({ method, url, body }) => ({ method, url, body }))).toEqual([
      { method: 'GET', url: `${base}?limit=1`, body: '' },
      { method: 'GET', url: `${base}?limit=20&next_token=opaque`, body: '' },
      { method: 'POST', url: base, body: { email: JO.email, userName: JO.email, role: 'TenantUser' } },
      { method: 'GET', url: `${base}/jo%40acme.example`, body: '' },
      { method: 'PATCH', url: `${base}/jo%40acme.example`, body: { role: 'TenantUser', enabled: false } },
      { method: 'PATCH', url: `${base}/jo%40acme.example`, body: { enabled: true } },
      { method: 'POST', url: `${base}/jo%40acme.example/invitation`, body: '' },
      { method: 'DELETE', url: `${base}/jo%40acme.example`, body: '' },
    ]);
    expect(new Set(received.map(({ authorization }) => authorization))).toEqual(new Set([admin]));
  });

  test('ID-2: a TenantUser gets 403 for every operation, and identity is not called', async () => {
    const worker = await world.bearer({ role: 'TenantUser' });
    const calls = [
      send(users, 'GET', '/users', worker),
      send(users, 'POST', '/users', worker, { email: JO.email }),
      send(users, 'GET', `/users/${JO.userName}`, worker),
      send(users, 'PUT', `/users/${JO.userName}`, worker, { role: 'TenantAdmin', enabled: true }),
      send(users, 'PATCH', `/users/${JO.userName}`, worker, { role: 'TenantAdmin' }),
      send(users, 'POST', `/users/${JO.userName}/invitation`, worker),
      send(users, 'DELETE', `/users/${JO.userName}`, worker),
    ];
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(7).fill(403));
    expect(received).toEqual([]);
  });

  test.each([
    [400, 400],
    [401, 401],
    [403, 403],
    [404, 404],
    [409, 409],
    [500, 503],
  ])('a %i response of identity becomes a %i problem', async (theirs, ours) => {
    reply = { status: theirs, body: { message: 'from identity' } };
    const refused = await send(users, 'PATCH', `/users/${JO.userName}`, admin, { enabled: false });
    expect(refused.status).toBe(ours);
    expect(refused.headers['content-type']).toMatch(/problem\+json/);
  });

  test('a refusal of a field by identity keeps its message and path', async () => {
    const issues = [{ loc: ['body', 'email'], type: 'taken', msg: 'is taken' }];
    reply = { status: 409, body: { message: 'email is taken', issues } };
    const refused = await send(users, 'POST', '/users', admin, { email: JO.email });
    expect(refused.body).toMatchObject({ detail: 'email is taken', errors: [{ path: 'email', message: 'is taken' }] });
  });

  const invalidCases: [string, 'POST' | 'PUT', object, string][] = [
    ['a bad email', 'POST', { email: 'nobody' }, 'email'],
    ['an unknown role', 'POST', { email: JO.email, role: 'SystemAdmin' }, 'role'],
    ['a tenant of the client’s choice', 'POST', { email: JO.email, tenantId: 'other' }, 'tenantId'],
    ['a tier of the client’s choice', 'PUT', { role: 'TenantUser', enabled: true, tier: 'premium' }, 'tier'],
    ['a change without role', 'PUT', { enabled: true }, 'role'],
  ];
  test.each(invalidCases)('refuses %s with the path of the field', async (_what, method, body, path) => {
    const refused = await send(users, method, method === 'POST' ? '/users' : '/users/jo', admin, body);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    expect(received).toEqual([]);
  });

  test.each(['.', '..', 'a/b', 'a\\b', 'a b', '\ud800'])(
    'refuses the user name %j, which cannot be part of a path',
    async (userName) => {
      const refused = await send(users, 'POST', '/users', admin, { email: 'jo@acme.example', userName });
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'userName' }] } });
      expect(received).toEqual([]);
    },
  );

  test('compares If-Match with the current state in identity', async () => {
    const { headers } = await send(users, 'GET', '/users/jo', admin);
    const put = (tag: string) =>
      send(users, 'PUT', '/users/jo', admin, { role: 'TenantUser', enabled: false }, { 'if-match': tag });
    expect((await put(String(headers.etag))).status).toBe(200);
    reply = { status: 200, body: { ...JO, enabled: false } };
    expect((await put(String(headers.etag))).status).toBe(412);
  });

  test('invites once per Idempotency-Key', async () => {
    reply = { status: 201, body: JO };
    const post = () => send(users, 'POST', '/users', admin, { email: JO.email }, { 'idempotency-key': 'one' });
    expect((await post()).body).toEqual((await post()).body);
    expect(received).toHaveLength(1);
  });

  test('responds with 503 while identity is unavailable, and never repeats a change', async () => {
    const unavailable = world.use(buildUsers(world.parts('users')));
    expect((await send(unavailable, 'GET', '/users', admin)).status).toBe(503);
    reply = { status: 502 };
    expect((await send(users, 'POST', '/users', admin, { email: JO.email })).status).toBe(503);
    expect(received).toHaveLength(1);
  });
});
