import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createCallerHandler,
  createOwnAccountHandler,
  OWN_ACCOUNT_OPERATIONS,
  type OwnAccountRequest,
  ownAccountTarget,
  type PasswordCheck,
} from '../../../../core/identity/users-api/own-account.ts';
import { TENANT } from '../user-store-scene.ts';
import { openUsersApiScene, PASSWORD, POOL, tokenOf, type UsersApiScene } from './users-api-scene.ts';

const NEW_PASSWORD = 'Battery-staple-8';
const NOT_ACTIVE = { message: 'the token must be of an active user of this realm' };

let scene: UsersApiScene;
let checked: PasswordCheck;
beforeEach(async () => {
  scene = await openUsersApiScene();
  checked = { outcome: 'right' };
});
afterEach(async () => scene.close());

function send(changes: Partial<OwnAccountRequest> = {}) {
  return createOwnAccountHandler(scene)({
    ...{ realm: POOL, method: 'PUT', about: 'password', authorization: 'Bearer x' },
    body: async () => ({ oldPassword: PASSWORD, newPassword: NEW_PASSWORD }),
    checkPassword: async () => checked,
    ...changes,
  });
}

const getCaller = (method = 'GET') => createCallerHandler(scene)({ realm: POOL, method, authorization: 'Bearer x' });
const passwordNow = () => scene.credentials.account('pool', scene.admin.userName)?.password;

test('the operations of the own account are PUT /me/password and DELETE /me/sessions', () => {
  expect(OWN_ACCOUNT_OPERATIONS.map(({ id, method, path }) => [id, method, path])).toEqual([
    ['password', 'PUT', '/me/password'],
    ['sessions', 'DELETE', '/me/sessions'],
  ]);
  expect(['/me/password', '/me/sessions', '/me', '/me/', ''].map(ownAccountTarget)).toEqual([
    ...['password', 'sessions'],
    ...[undefined, undefined, undefined],
  ]);
});

test.each([
  ['password', 'GET', 'PUT'],
  ['password', 'DELETE', 'PUT'],
  ['sessions', 'PUT', 'DELETE'],
] as const)('/me/%s with %s has 405, and says that it takes %s', async (about, method, allow) => {
  const { status, headers } = await send({ about, method, authorization: undefined });
  expect([status, headers]).toEqual([405, { allow }]);
});

describe('the password of the own account', () => {
  test('ID-7: changes with the current one, which ends all sessions', async () => {
    expect(await send()).toEqual({ status: 204, headers: {} });
    expect(passwordNow()).toBe(NEW_PASSWORD);
    expect(scene.credentials.calls.slice(-2)).toEqual(['setPassword', 'endSessions']);
    expect((await scene.identity.user('pool', scene.admin.userName))?.tokensValidFrom).toBeDefined();
  });

  test('is checked as the current password of the user of the token', async () => {
    const checks: unknown[] = [];
    await send({
      async checkPassword(realm, { userName }, password) {
        checks.push([realm, userName, password]);
        return { outcome: 'right' };
      },
    });
    expect(checks).toEqual([['pool', 'ann@a.test', PASSWORD]]);
  });

  test('SE-1: stays, and ends no session, if a sign-in needs more than the password', async () => {
    checked = { outcome: 'more-required' };
    const { status, body } = await send();
    expect([status, body]).toMatchObject([409, { message: expect.stringContaining('forgotten password') }]);
    expect(passwordNow()).not.toBe(NEW_PASSWORD);
    expect(scene.credentials.calls).not.toContain('endSessions');
    expect((await scene.identity.user('pool', scene.admin.userName))?.tokensValidFrom).toBeUndefined();
  });

  test('stays if the current one is wrong', async () => {
    checked = { outcome: 'wrong' };
    const msg = 'must be the current password';
    const issues = [{ loc: ['body', 'oldPassword'], type: 'value_error', msg }];
    expect(await send()).toEqual({ status: 422, headers: {}, body: { message: `oldPassword ${msg}`, issues } });
    expect(passwordNow()).toBe(PASSWORD);
  });

  test('ID-7: stays after too many failed attempts, and the response says how long to wait', async () => {
    checked = { outcome: 'too-many', retryAfter: 17 };
    const { status, headers } = await send();
    expect([status, headers]).toEqual([429, { 'retry-after': '17' }]);
    expect(passwordNow()).toBe(PASSWORD);
  });

  test.each<[body: object, field: string]>([
    [{ newPassword: NEW_PASSWORD }, 'oldPassword'],
    [{ oldPassword: PASSWORD }, 'newPassword'],
    [{ oldPassword: PASSWORD, newPassword: 7 }, 'newPassword'],
    [{ oldPassword: PASSWORD, newPassword: NEW_PASSWORD, userName: 'dan' }, 'userName'],
  ])('SE-6: stays if the body is %j, which is refused with the field', async (body, field) => {
    const response = await send({ body: async () => body });
    expect([response.status, response.body]).toMatchObject([422, { issues: [{ loc: ['body', field] }] }]);
    expect(passwordNow()).toBe(PASSWORD);
  });

  test('ID-1: stays if the new one is weak', async () => {
    const response = await send({ body: async () => ({ oldPassword: PASSWORD, newPassword: 'short' }) });
    expect(response.status).toBe(422);
    expect(passwordNow()).toBe(PASSWORD);
  });

  test('ID-4: stays if the user is disabled while the body arrives', async () => {
    await scene.identity.updateUser('pool', scene.member.userName, { role: 'TenantAdmin' });
    const response = await send({
      async body() {
        await scene.identity.setUserEnabled('pool', scene.admin.userName, false);
        return { oldPassword: PASSWORD, newPassword: NEW_PASSWORD };
      },
      checkPassword: () => Promise.reject(new Error('the password was checked')),
    });
    expect(response.status).toBe(401);
    expect(passwordNow()).toBe(PASSWORD);
  });
});

test('ID-6: signing out everywhere ends the sessions, and keeps the password', async () => {
  expect(await send({ about: 'sessions', method: 'DELETE' })).toEqual({ status: 204, headers: {} });
  expect(scene.credentials.calls.slice(-1)).toEqual(['endSessions']);
  expect(passwordNow()).toBe(PASSWORD);
});

describe('ID-4: the caller', () => {
  test('has the role and the tenant of the record', async () => {
    expect(await getCaller()).toEqual({ status: 200, headers: {}, body: { role: 'TenantAdmin', tenantId: TENANT } });
    await scene.identity.updateUser('pool', scene.member.userName, { role: 'TenantAdmin' });
    scene.token = tokenOf(scene.member, scene.clock.now());
    expect((await getCaller()).body).toEqual({ role: 'TenantAdmin', tenantId: TENANT });
  });

  test('has no tenant if it is a system user', async () => {
    await scene.identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
    const root = await scene.identity.createUser('admin', {
      ...{ userName: 'root', email: 'root@p.test', role: 'SystemAdmin', password: 'Correct-horse-7' },
    });
    scene.token = { ...tokenOf(root, scene.clock.now()), realm: 'admin' };
    const realm = { id: 'admin', displayName: 'Administration' } as const;
    const { status, body } = await createCallerHandler(scene)({ realm, method: 'GET', authorization: 'Bearer x' });
    expect([status, body]).toEqual([200, { role: 'SystemAdmin' }]);
  });

  test('is asked for with GET only', async () => {
    const { status, headers } = await getCaller('POST');
    expect([status, headers]).toEqual([405, { allow: 'GET' }]);
  });
});

/** What makes a token useless. */
const LOSSES: readonly (readonly [string, () => unknown])[] = [
  ['of another realm', () => Object.assign(scene, { token: { ...scene.token, realm: 'admin' } })],
  ['of an unknown user', () => Object.assign(scene, { token: { ...scene.token, subject: 'nobody' } })],
  ['from before the user signed out everywhere', endSessions],
  ['of a disabled user', disable],
  [
    'of a user who has not signed in yet',
    () => Object.assign(scene, { token: tokenOf(scene.invited, scene.clock.now()) }),
  ],
  ['of a tenant that is unknown', () => Object.assign(scene, { claims: undefined })],
  ['of a tenant that is not active', () => Object.assign(scene, { claims: { ...scene.claims, active: false } })],
];

async function endSessions() {
  scene.clock.advance(2_000);
  await scene.identity.endSessions('pool', scene.admin.userName);
}

async function disable() {
  await scene.identity.updateUser('pool', scene.member.userName, { role: 'TenantAdmin' });
  await scene.identity.setUserEnabled('pool', scene.admin.userName, false);
}

describe.each(LOSSES)('ID-4: a token %s', (_which, lose) => {
  test('has 401 for every request about the own account, and changes nothing', async () => {
    await lose();
    const expected = { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: NOT_ACTIVE };
    expect(await getCaller()).toEqual(expected);
    expect(await send()).toEqual(expected);
    expect(await send({ about: 'sessions', method: 'DELETE' })).toEqual(expected);
    expect(passwordNow()).toBe(PASSWORD);
  });
});

test('an error that no client caused is thrown', async () => {
  scene.tenantClaims = () => Promise.reject(new Error('broken'));
  await expect(getCaller()).rejects.toThrow('broken');
  await expect(send()).rejects.toThrow('broken');
});
