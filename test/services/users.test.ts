import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { buildUsers } from '../../services/users/app.ts';
import { ask, closeServer, listening, World } from './world.ts';

/** What a realm's users API was asked, and what it answers next. */
interface Asked {
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
let asked: Asked[];
let answer: { status: number; body?: unknown };

beforeAll(async () => {
  world = await World.open();
  identity = createServer(async (request, response) => {
    const body = await text(request);
    const { method = '', url = '', headers } = request;
    asked.push({ method, url, authorization: headers.authorization, body: body && JSON.parse(body) });
    response.writeHead(answer.status).end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  });
  const { port } = await listening(identity);
  world.onClose(() => closeServer(identity));
  const config = { tenant: '', identityUrl: `http://127.0.0.1:${port}` };
  users = world.use(buildUsers(world.parts('users', { config })));
  admin = await world.bearer();
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: JO };
});
afterAll(() => world.close());

describe('the users service', () => {
  test('RT-6: lists, gets, invites, changes and removes users, with the caller`s own token', async () => {
    answer = {
      status: 200,
      body: { data: [{ ...JO, subject: 'secret-sub', passwordHash: 'x' }], next_token: 'opaque' },
    };
    const list = await ask(users, 'GET', '/v1/users?limit=1', admin);
    expect(list.body).toEqual({ data: [JO], next_token: expect.any(String) });
    await ask(users, 'GET', `/users?next_token=${list.body.next_token}`, admin);

    answer = { status: 201, body: JO };
    const made = await ask(users, 'POST', '/users', admin, { email: JO.email });
    expect(made).toMatchObject({ status: 201, body: JO });
    expect(made.headers.location).toBe('users/jo%40acme.example');

    answer = { status: 200, body: JO };
    const path = `/users/${encodeURIComponent(JO.userName)}`;
    expect((await ask(users, 'GET', path, admin)).body).toEqual(JO);
    expect((await ask(users, 'PUT', path, admin, { role: 'TenantUser', enabled: false })).status).toBe(200);
    expect((await ask(users, 'PATCH', path, admin, { enabled: true })).status).toBe(200);
    answer = { status: 204 };
    expect(await ask(users, 'DELETE', path, admin)).toMatchObject({ status: 204, text: '' });

    const base = '/realms/pool/users';
    expect(asked.map(({ method, url, body }) => ({ method, url, body }))).toEqual([
      { method: 'GET', url: `${base}?limit=1`, body: '' },
      { method: 'GET', url: `${base}?limit=20&next_token=opaque`, body: '' },
      { method: 'POST', url: base, body: { email: JO.email, userName: JO.email, role: 'TenantUser' } },
      { method: 'GET', url: `${base}/jo%40acme.example`, body: '' },
      { method: 'PATCH', url: `${base}/jo%40acme.example`, body: { role: 'TenantUser', enabled: false } },
      { method: 'PATCH', url: `${base}/jo%40acme.example`, body: { enabled: true } },
      { method: 'DELETE', url: `${base}/jo%40acme.example`, body: '' },
    ]);
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set([admin]));
  });

  test('ID-2: a TenantUser gets 403 on every route, and identity is not even asked', async () => {
    const worker = await world.bearer({ role: 'TenantUser' });
    const calls = [
      ask(users, 'GET', '/users', worker),
      ask(users, 'POST', '/users', worker, { email: JO.email }),
      ask(users, 'GET', `/users/${JO.userName}`, worker),
      ask(users, 'PUT', `/users/${JO.userName}`, worker, { role: 'TenantAdmin', enabled: true }),
      ask(users, 'PATCH', `/users/${JO.userName}`, worker, { role: 'TenantAdmin' }),
      ask(users, 'DELETE', `/users/${JO.userName}`, worker),
    ];
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(6).fill(403));
    expect(asked).toEqual([]);
  });

  test.each([
    [400, 400],
    [401, 401],
    [403, 403],
    [404, 404],
    [409, 409],
    [500, 503],
  ])('identity`s %i becomes a %i problem', async (theirs, ours) => {
    answer = { status: theirs, body: { message: 'said by identity' } };
    const refused = await ask(users, 'PATCH', `/users/${JO.userName}`, admin, { enabled: false });
    expect(refused.status).toBe(ours);
    expect(refused.headers['content-type']).toMatch(/problem\+json/);
  });

  test('identity`s refusal of a field keeps its words and path', async () => {
    const issues = [{ loc: ['body', 'email'], type: 'taken', msg: 'is taken' }];
    answer = { status: 409, body: { message: 'email is taken', issues } };
    const refused = await ask(users, 'POST', '/users', admin, { email: JO.email });
    expect(refused.body).toMatchObject({ detail: 'email is taken', errors: [{ path: 'email', message: 'is taken' }] });
  });

  const faults: [string, 'POST' | 'PUT', object, string][] = [
    ['a bad email', 'POST', { email: 'nobody' }, 'email'],
    ['an unknown role', 'POST', { email: JO.email, role: 'SystemAdmin' }, 'role'],
    ['a tenant of the client`s choice', 'POST', { email: JO.email, tenantId: 'other' }, 'tenantId'],
    ['a tier of the client`s choice', 'PUT', { role: 'TenantUser', enabled: true, tier: 'premium' }, 'tier'],
    ['a change without role', 'PUT', { enabled: true }, 'role'],
  ];
  test.each(faults)('refuses %s with the field`s path', async (_what, method, body, path) => {
    const answered = await ask(users, method, method === 'POST' ? '/users' : '/users/jo', admin, body);
    expect(answered).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    expect(asked).toEqual([]);
  });

  test.each(['.', '..', 'a/b', 'a\\b', 'a b', '\ud800'])(
    'refuses the user name %j, which no path could say',
    async (userName) => {
      const refused = await ask(users, 'POST', '/users', admin, { email: 'jo@acme.example', userName });
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'userName' }] } });
      expect(asked).toEqual([]);
    },
  );

  test('honours If-Match by what identity says now', async () => {
    const { headers } = await ask(users, 'GET', '/users/jo', admin);
    const put = (tag: string) =>
      ask(users, 'PUT', '/users/jo', admin, { role: 'TenantUser', enabled: false }, { 'if-match': tag });
    expect((await put(String(headers.etag))).status).toBe(200);
    answer = { status: 200, body: { ...JO, enabled: false } };
    expect((await put(String(headers.etag))).status).toBe(412);
  });

  test('invites once per Idempotency-Key', async () => {
    answer = { status: 201, body: JO };
    const post = () => ask(users, 'POST', '/users', admin, { email: JO.email }, { 'idempotency-key': 'one' });
    expect((await post()).body).toEqual((await post()).body);
    expect(asked).toHaveLength(1);
  });

  test('is a 503 while identity is away, and never repeats a change', async () => {
    const away = world.use(buildUsers(world.parts('users')));
    expect((await ask(away, 'GET', '/users', admin)).status).toBe(503);
    answer = { status: 502 };
    expect((await ask(users, 'POST', '/users', admin, { email: JO.email })).status).toBe(503);
    expect(asked).toHaveLength(1);
  });
});
