import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DomainError } from '../../../../core/errors.ts';
import { createUsersEndpoint } from '../../../../core/identity/users-api/users-endpoint.ts';
import { ANN, openUserStoreScene, TENANT, type UserStoreScene } from '../user-store-scene.ts';

const PASSWORD = 'Correct-horse-7';
let scene: UserStoreScene;
beforeEach(async () => {
  scene = await openUserStoreScene();
});
afterEach(async () => scene.close());

type EventFields = Readonly<Record<string, unknown>>;

/** Sends an event of Ann, who signed in with the role. @param issuedAt of her token, in seconds before now */
async function send(event: EventFields, role: 'TenantAdmin' | 'TenantUser' = 'TenantAdmin', issuedAt = 0) {
  const { identity, clock } = scene;
  const known = await identity.user('pool', ANN.userName);
  const user = known ?? (await identity.createUser('pool', { ...ANN, role, password: PASSWORD }));
  const now = Math.floor(clock.now() / 1_000);
  const token = {
    issuer: 'x',
    realm: 'pool',
    subject: user.subject,
    clientId: 'app',
    scopes: [],
    tenantId: TENANT,
  } as const;
  const respond = createUsersEndpoint({
    identity,
    tenantClaims: async () => ({ tier: 'basic', active: true, name: 'Acme', slug: 'acme', basis: [] }),
    authorize: async () => ({ ...token, issuedAt: now - issuedAt, expiresAt: 4e9 }),
    checkPassword: async () => ({ outcome: 'wrong' }),
  });
  return respond({ realm: 'pool', method: 'GET', authorization: 'Bearer x', ...event });
}

test.each([
  ['limit=5', 200],
  ['limit=5?limit=6', 422],
  ['limit=5&next_token=?x', 400],
  ['?limit=5', 422],
])('SE-6: the query is everything after the first question mark: %s gets %i', async (query, status) => {
  expect((await send({ path: `/users?${query}` })).status).toBe(status);
});

test.each<[method: string, path: string, status: number, allow: string]>([
  ['GET', '/me', 200, ''],
  ['PUT', '/me', 405, 'GET'],
  ['GET', '/me/password', 405, 'PUT'],
  ['PUT', '/me/sessions', 405, 'DELETE'],
  ['DELETE', '/me/sessions', 204, ''],
  ['GET', '/me/other', 404, ''],
  ['GET', `/users/${encodeURIComponent(ANN.userName)}`, 200, ''],
  ['GET', `/users/${encodeURIComponent(ANN.userName)}/invitation`, 405, 'POST'],
  ['GET', '/users//invitation', 404, ''],
  ['GET', '/users/ann/other', 404, ''],
  ['GET', '/users/ann/invitation/more', 404, ''],
  ['GET', '/account', 404, ''],
])('%s %s has the status %i', async (method, path, status, allow) => {
  const response = await send({ method, path });
  expect([response.status, response.headers.allow ?? '']).toEqual([status, allow]);
});

test('ID-4: a caller learns the role and the tenant of the record', async () => {
  expect((await send({ path: '/me' }, 'TenantUser')).body).toEqual({ role: 'TenantUser', tenantId: TENANT });
});

test.each<[what: string, event: EventFields, status: number, message: string]>([
  ['a realm that does not exist', { realm: 'tenant-nobody00' }, 404, 'realm not found'],
  ['a realm that cannot exist', { realm: 'pool#x' }, 404, 'realm not found'],
  ['a path without a slash', { path: 'users' }, 400, 'the event must have realm, method and path'],
  ['another path', { path: '/account' }, 404, 'nothing exists at this path'],
  ['no path', {}, 400, 'the event must have realm, method and path'],
  ['a body that is not JSON', { method: 'PUT', path: '/me/password', body: '{' }, 422, 'the body must be JSON'],
  [
    'a long body',
    { method: 'PUT', path: '/me/password', body: `"${'x'.repeat(16 * 1024)}"` },
    413,
    'a body must have at most 16384 bytes',
  ],
])('SE-6: %s is refused', async (_what, event, status, message) => {
  const path = 'realm' in event ? { path: '/users' } : {};
  const response = await send({ ...path, ...event });
  expect([response.status, response.body]).toMatchObject([status, { message }]);
});

test('a body of 16 KiB is read', async () => {
  const body = `"${'x'.repeat(16 * 1024 - 2)}"`;
  expect((await send({ method: 'PUT', path: '/me/password', body })).status).toBe(422);
});

test('an error that no caller caused is thrown, also while the realm is read', async () => {
  scene.identity.realm = () => Promise.reject(new Error('broken'));
  await expect(send({ path: '/me' })).rejects.toThrow('broken');
});

test('SE-6: an unavailable store gets 503', async () => {
  scene.identity.realm = () => Promise.reject(new DomainError('UNAVAILABLE', 'try again'));
  expect(await send({ path: '/me' })).toEqual({ status: 503, headers: {}, body: { message: 'try again' } });
});

test('a wrong password is refused with its field, and signing out ends the token', async () => {
  const body = JSON.stringify({ oldPassword: 'wrong', newPassword: 'Battery-staple-8' });
  const refused = await send({ method: 'PUT', path: '/me/password', body });
  expect([refused.status, refused.body]).toMatchObject([422, { issues: [{ loc: ['body', 'oldPassword'] }] }]);
  expect((await send({ path: '/me' })).status).toBe(200);
  expect((await send({ method: 'DELETE', path: '/me/sessions' })).status).toBe(204);
  expect((await send({ path: '/me' }, 'TenantAdmin', 1)).status).toBe(401);
});
