import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mismatchOf } from '../../../../core/http/check-response.ts';
import type { Method } from '../../../../core/http/operation.ts';
import { encodePageToken } from '../../../../core/http/page-token.ts';
import { createUsersHandler, usersTarget } from '../../../../core/identity/users-api/users-handler.ts';
import { USERS_OPERATIONS } from '../../../../core/identity/users-api/users-operations.ts';
import type { UsersResponse } from '../../../../core/identity/users-api/users-response.ts';
import { TENANT } from '../user-store-scene.ts';
import { openUsersApiScene, POOL, tokenOf, type UsersApiScene } from './users-api-scene.ts';

let scene: UsersApiScene;
beforeEach(async () => {
  scene = await openUsersApiScene();
});
afterEach(async () => scene.close());

interface Sent {
  readonly method: Method;
  /** Below the realm, with the query. */
  readonly path: string;
  readonly body?: unknown;
  /** @default 'Bearer x' */
  readonly authorization?: string | undefined;
}

/** Sends a request of the token's user, and checks that the response is one that its operation declares. */
async function send({ method, path, body, ...rest }: Sent): Promise<UsersResponse> {
  const [address = '', query = ''] = path.split('?');
  const target = usersTarget(address, new URLSearchParams(query));
  if (!target) throw new Error(`${path} is not a path of the users API`);
  const authorization = 'authorization' in rest ? rest.authorization : 'Bearer x';
  const response = await createUsersHandler(scene)({
    ...{ realm: POOL, method, target, authorization, body: async () => body },
  });
  const operation = USERS_OPERATIONS.find(
    (one) => one.method === method && (one.path === '/users') === (target.userName === undefined),
  );
  if (operation && response.status !== 405) expect(mismatchOf(operation, response)).toBeUndefined();
  return response;
}

const pathOf = ({ userName }: { readonly userName: string }) => `/users/${encodeURIComponent(userName)}`;

describe('the declared operations', () => {
  test('are these, each with its own refusals besides those of all', () => {
    const all = ['401', '403', '413', '422', '429', '503'];
    expect(
      USERS_OPERATIONS.map(({ id, method, path, responses }) => [
        ...[id, method, path],
        Object.keys(responses).filter((status) => !all.includes(status)),
      ]),
    ).toEqual([
      ['listUsers', 'GET', '/users', ['200', '400']],
      ['createUser', 'POST', '/users', ['201', '409']],
      ['getUser', 'GET', '/users/{userName}', ['200', '404']],
      ['changeUser', 'PATCH', '/users/{userName}', ['200', '404', '409']],
      ['inviteUser', 'POST', '/users/{userName}/invitation', ['200', '404', '409']],
      ['deleteUser', 'DELETE', '/users/{userName}', ['204', '404', '409']],
    ]);
  });

  test.each(USERS_OPERATIONS.map((one) => [one.id, one] as const))(
    '%s is for administrators, and describes every response and every header',
    (_id, { access, summary, responses }) => {
      expect(summary).toMatch(/^[A-Z]/);
      expect(access).toEqual({ kind: 'user', role: 'TenantAdmin' });
      for (const { description, headers = {} } of Object.values(responses)) {
        for (const text of [description, ...Object.values(headers)]) expect(text).toMatch(/^[A-Z].+\.$/);
      }
      expect(Object.keys(responses[401]?.headers ?? {})).toEqual(['www-authenticate']);
    },
  );

  test.each(['createUser', 'inviteUser'])('%s says how long to wait after too many mails', (id) => {
    const operation = USERS_OPERATIONS.find((one) => one.id === id);
    expect(Object.keys(operation?.responses[429]?.headers ?? {})).toEqual(['retry-after']);
  });
});

describe('the users of the tenant', () => {
  test('ID-2: are listed page by page, as clients see users', async () => {
    const { body } = await send({ method: 'GET', path: '/users?limit=2' });
    const { created, modified } = scene.admin;
    const times = { created, modified };
    expect(body).toEqual({
      data: [
        {
          ...{ userName: 'ann@a.test', email: 'ann@a.test', role: 'TenantAdmin', enabled: true },
          ...{ status: 'CONFIRMED', ...times },
        },
        {
          ...{ userName: 'bob@a.test', email: 'bob@a.test', role: 'TenantUser', enabled: true },
          ...{ status: 'FORCE_CHANGE_PASSWORD', ...times },
        },
      ],
      next_token: expect.stringMatching(/./),
    });
    const { next_token } = body as { readonly next_token: string };
    const rest = await send({ method: 'GET', path: `/users?limit=2&next_token=${next_token}` });
    expect(rest.body).toMatchObject({ data: [{ userName: 'cleo@a.test' }], next_token: '' });
  });

  test('are listed 50 to a page unless the query says otherwise', async () => {
    for (let at = 0; at < 49; at++) {
      const name = `user${at}@a.test`;
      await scene.identity.createUser('pool', {
        ...{ userName: name, email: name, role: 'TenantUser', tenantId: TENANT, password: 'Correct-horse-7' },
      });
    }
    const { body } = await send({ method: 'GET', path: '/users' });
    expect((body as { readonly data: unknown[] }).data).toHaveLength(50);
  });

  test('SE-6: a page token that another list returned is refused with 400', async () => {
    const token = encodePageToken('tenants', 'ann@a.test');
    expect((await send({ method: 'GET', path: `/users?next_token=${token}` })).status).toBe(400);
    const own = encodePageToken('users', 'ann@a.test');
    expect((await send({ method: 'GET', path: `/users?next_token=${own}` })).status).toBe(200);
  });

  test('SE-6: a page token that nobody returned is refused with 400', async () => {
    const { status, body } = await send({ method: 'GET', path: '/users?next_token=x' });
    expect([status, body]).toMatchObject([400, { issues: [{ loc: ['query', 'next_token'] }] }]);
  });

  test.each(['limit=0', 'limit=101', 'limit=1.5', 'limit=x', 'page=2', `next_token=${'x'.repeat(2_049)}`])(
    'SE-6: the query %s is refused with the name of the parameter',
    async (query) => {
      const { status, body } = await send({ method: 'GET', path: `/users?${query}` });
      expect([status, body]).toMatchObject([422, { issues: [{ loc: ['query', query.split('=')[0]] }] }]);
    },
  );

  test('ID-1: are invited as ordinary users named by their email, unless the body says otherwise', async () => {
    const path = '/users';
    const first = await send({ method: 'POST', path, body: { email: 'eve@a.test' } });
    expect(first).toMatchObject({ status: 201, headers: {}, body: { userName: 'eve@a.test', role: 'TenantUser' } });
    expect((await send({ method: 'POST', path, body: { email: 'gus@a.test', role: 'TenantUser' } })).status).toBe(201);
    const body = { email: 'fay@a.test', userName: 'fay', role: 'TenantAdmin' };
    const second = await send({ method: 'POST', path, body });
    expect([second.status, second.body]).toMatchObject([201, { userName: 'fay', role: 'TenantAdmin' }]);
    expect(await scene.identity.user('pool', 'fay')).toMatchObject({ tenantId: TENANT, email: 'fay@a.test' });
  });

  test.each<[what: string, body: unknown, field: readonly string[]]>([
    ['without an email', {}, ['email']],
    ['with a name in the form of another email', { email: 'eve@a.test', userName: 'other@a.test' }, ['userName']],
    ['with a role of system users', { email: 'eve@a.test', role: 'SystemAdmin' }, ['role']],
    ['with a tenant', { email: 'eve@a.test', tenantId: TENANT }, ['tenantId']],
    ['that is not an object', [], []],
  ])('SE-1.15: an invitation %s is refused with the field, and invites nobody', async (_what, body, field) => {
    const response = await send({ method: 'POST', path: '/users', body });
    expect([response.status, response.body]).toMatchObject([422, { issues: [{ loc: ['body', ...field] }] }]);
    expect(await scene.identity.user('pool', 'eve@a.test')).toBeUndefined();
  });

  test('SE-6: a name that is taken is refused with 409', async () => {
    expect((await send({ method: 'POST', path: '/users', body: { email: 'bob@a.test' } })).status).toBe(409);
  });

  test('are read, changed and deleted by name', async () => {
    const path = pathOf(scene.member);
    expect((await send({ method: 'GET', path })).body).toMatchObject({ userName: 'cleo@a.test', enabled: true });
    const changed = await send({ method: 'PATCH', path, body: { role: 'TenantAdmin' } });
    expect([changed.status, changed.body]).toMatchObject([200, { role: 'TenantAdmin', enabled: true }]);
    const disabled = await send({ method: 'PATCH', path, body: { enabled: false } });
    expect([disabled.status, disabled.body]).toMatchObject([200, { role: 'TenantAdmin', enabled: false }]);
    expect(await send({ method: 'DELETE', path })).toEqual({ status: 204, headers: {}, body: undefined });
    expect((await send({ method: 'GET', path })).status).toBe(404);
  });

  test.each<[body: unknown, field: readonly string[]]>([
    [{}, []],
    [{ role: 'Owner' }, ['role']],
    [{ enabled: 'yes' }, ['enabled']],
    [{ enabled: true, email: 'new@a.test' }, ['email']],
  ])('SE-1.15: the change %j is refused with the field, and changes nothing', async (body, field) => {
    const response = await send({ method: 'PATCH', path: pathOf(scene.member), body });
    expect([response.status, response.body]).toMatchObject([
      422,
      { issues: [{ loc: ['body', ...field], msg: expect.stringMatching(/./) }] },
    ]);
    expect(await scene.identity.user('pool', scene.member.userName)).toEqual(scene.member);
  });

  test('ID-1: are invited again until they have signed in', async () => {
    const again = await send({ method: 'POST', path: `${pathOf(scene.invited)}/invitation` });
    expect([again.status, again.body]).toMatchObject([200, { userName: 'bob@a.test' }]);
    expect(scene.credentials.account('pool', 'bob@a.test')?.password).toBe('temporary-1');
    expect((await send({ method: 'POST', path: `${pathOf(scene.member)}/invitation` })).status).toBe(409);
  });

  test('ID-2: the last administrator stays', async () => {
    const path = pathOf(scene.admin);
    expect((await send({ method: 'PATCH', path, body: { enabled: false } })).status).toBe(409);
    expect((await send({ method: 'DELETE', path })).status).toBe(409);
  });

  test.each<Sent['method']>(['GET', 'PATCH', 'DELETE'])(
    'SE-1: %s of a user of another tenant has 404',
    async (method) => {
      const response = await send({ method, path: pathOf(scene.stranger), body: { enabled: false } });
      expect([response.status, response.body]).toEqual([404, { message: 'user not found' }]);
      expect(await scene.identity.user('pool', scene.stranger.userName)).toEqual(scene.stranger);
    },
  );
});

describe('a request', () => {
  test('ID-4: without a token has 401, and its body is not read', async () => {
    const target = usersTarget('/users', new URLSearchParams()) ?? { invitation: false, query: new URLSearchParams() };
    const response = await createUsersHandler(scene)({
      ...{ realm: POOL, method: 'POST', target, authorization: undefined },
      body: () => Promise.reject(new Error('the body was read')),
    });
    expect([response.status, response.headers]).toEqual([401, { 'www-authenticate': 'Bearer' }]);
  });

  test('ID-4: of a user who is no administrator has 403, whatever its method', async () => {
    scene.token = tokenOf(scene.member, scene.clock.now());
    expect((await send({ method: 'GET', path: '/users' })).status).toBe(403);
    expect((await send({ method: 'PUT', path: '/users' })).status).toBe(403);
  });

  test('ID-4: of an administrator who is demoted while the body arrives has 403, and changes nothing', async () => {
    const target = usersTarget(pathOf(scene.member), new URLSearchParams());
    if (!target) throw new Error('no path of the users API');
    await scene.identity.createUser('pool', {
      ...{ userName: 'other@a.test', email: 'other@a.test', role: 'TenantAdmin', tenantId: TENANT },
      password: 'Correct-horse-7',
    });
    const response = await createUsersHandler(scene)({
      ...{ realm: POOL, method: 'PATCH', target, authorization: 'Bearer x' },
      async body() {
        await scene.identity.updateUser('pool', scene.admin.userName, { role: 'TenantUser' });
        return { enabled: false };
      },
    });
    expect(response.status).toBe(403);
    expect(await scene.identity.user('pool', scene.member.userName)).toMatchObject({ enabled: true });
  });

  test.each<[path: string, method: Method, allow: string]>([
    ['/users', 'DELETE', 'GET, POST'],
    ['/users/ann', 'POST', 'GET, PATCH, DELETE'],
    ['/users/ann/invitation', 'GET', 'POST'],
  ])('%s with %s has 405 and the methods that exist', async (path, method, allow) => {
    const { status, headers } = await send({ method, path });
    expect([status, headers]).toEqual([405, { allow }]);
  });

  test('fails with the error if no client caused it', async () => {
    scene.authorize = () => Promise.reject(new Error('broken'));
    await expect(send({ method: 'GET', path: '/users' })).rejects.toThrow('broken');
  });
});

describe('a path of the users API', () => {
  const query = new URLSearchParams('limit=1');

  test.each<[path: string, target: object]>([
    ['/users', { invitation: false }],
    ['/users/', { invitation: false }],
    ['/users/jo%40a.test', { invitation: false, userName: 'jo@a.test' }],
    ['/users/jo/', { invitation: false, userName: 'jo' }],
    ['/users/%ff', { invitation: false, userName: '%ff' }],
    ['/users/jo%2Fx/invitation', { invitation: true, userName: 'jo/x' }],
  ])('%s is about %j', (path, target) => {
    expect(usersTarget(path, query)).toEqual({ ...target, query });
  });

  test.each([
    '/me',
    '/usersx',
    'users',
    '/users//invitation',
    '/users//x',
    '/users/jo//x',
    '/users/jo/x',
    '/users/jo/invitation/',
    '/users/jo/invitation/x',
  ])('is not %s', (path) => {
    expect(usersTarget(path, query)).toBeUndefined();
  });
});
