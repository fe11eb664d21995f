import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isSecret, openClientCredentials } from '../../../adapters/embedded/identity/client-credentials.ts';
import { createPrincipals } from '../../../control-plane/api/http/principal.ts';
import { CREDENTIAL_OPERATIONS } from '../../../control-plane/api/users/credentials.ts';
import type { VerifiedToken } from '../../../core/identity/authorize.ts';
import { ADMIN_SCOPES } from '../../../core/identity/issuers.ts';
import { type Home, startHome } from './home.ts';

let home: Home;
beforeEach(async () => {
  home = await startHome();
});
afterEach(async () => home[Symbol.asyncDispose]());

function store() {
  const { table, clock, random } = home.deps;
  return openClientCredentials({ table, clock, random });
}

test('DX-9: a SystemAdmin creates a credential, sees it without its secret, and deletes it', async () => {
  const created = await home.call('POST', '/credentials', { name: 'deploy', scopes: ['tenant/tenant_read'] });
  expect([created.status, created.body.data]).toEqual([
    201,
    {
      clientId: expect.stringMatching(/^credential-[a-z0-9]{26}$/),
      clientSecret: expect.stringMatching(/^[\w-]{43}$/),
      name: 'deploy',
      scopes: ['tenant/tenant_read'],
      created: expect.any(String),
      createdBy: expect.any(String),
    },
  ]);
  const { clientId, clientSecret } = created.body.data;
  const listed = await home.call('GET', '/credentials');
  expect(listed.body.data).toMatchObject([{ clientId, name: 'deploy', scopes: ['tenant/tenant_read'] }]);
  expect(`${listed.text}${JSON.stringify(home.stored())}${home.logged.join()}`).not.toContain(clientSecret);
  const hash = (await store().secretHashOf(clientId)) ?? '';
  expect([isSecret(clientSecret, hash), isSecret(`${clientSecret}x`, hash)]).toEqual([true, false]);

  const deleted = await home.call('DELETE', `/credentials/${clientId}`);
  expect([deleted.status, deleted.body]).toEqual([200, { message: 'Credential deleted' }]);
  expect((await home.call('DELETE', `/credentials/${clientId}`)).status).toBe(404);
  expect((await home.call('GET', '/credentials')).body.data).toEqual([]);
});

test('a credential has all scopes of an administrator unless the request names some', async () => {
  const { body } = await home.call('POST', '/credentials', { name: 'all' });
  expect(body.data.scopes).toEqual([...ADMIN_SCOPES]);
});

test.each(CREDENTIAL_OPERATIONS)('$id is NOT_FOUND where the home keeps no credentials', async ({ handle }) => {
  const { credentials: _, ...deps } = home.deps;
  const principal = { kind: 'user', userName: 'una', role: 'SystemAdmin', scopes: ADMIN_SCOPES, basis: [] } as const;
  const request = { method: 'GET', path: '/credentials', query: {}, headers: {}, body: undefined };
  const params = { clientId: 'credential-x' };
  const call = { params, query: undefined, headers: {}, body: { name: 'x', scopes: [] }, principal, request };
  await expect((async () => handle(call, deps))()).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a credential cannot have scopes that its creator does not have', async () => {
  const scopes = ['user/user_read', 'user/user_write'];
  const caller = { kind: 'user', userName: 'una', role: 'SystemAdmin', scopes, basis: [] } as const;
  await using other = await startHome({ authorize: () => async () => caller });
  const refused = await other.call('POST', '/credentials', { name: 'all' });
  expect([refused.status, refused.body.detail]).toEqual([
    422,
    [
      {
        loc: ['body', 'scopes'],
        type: 'value_error',
        msg: "must be among the caller's own, got tenant/tenant_read, tenant/tenant_write",
      },
    ],
  ]);
  const allowed = await other.call('POST', '/credentials', { name: 'users', scopes: ['user/user_write'] });
  expect(allowed.status).toBe(201);
});

test.each([
  ['a role that may not write', { name: 'x' }, 'support', 403],
  ['a machine', { name: 'x' }, 'machine', 403],
  ['a caller without a token', { name: 'x' }, 'none', 401],
  ['a request without a name', {}, 'admin', 422],
  ['an unknown scope', { name: 'x', scopes: ['all'] }, 'admin', 422],
  ['an empty list of scopes', { name: 'x', scopes: [] }, 'admin', 422],
  ['an unknown field', { name: 'x', clientSecret: 'mine' }, 'admin', 422],
])('%s creates no credential', async (_what, body, as, status) => {
  expect((await home.call('POST', '/credentials', body, { token: as })).status).toBe(status);
  expect((await home.call('GET', '/credentials')).body.data).toEqual([]);
});

test("the credential of the platform's own machine changes its secret at every start and cannot be deleted", async () => {
  const first = await store().renewLocal();
  const second = await store().renewLocal();
  const hash = (await store().secretHashOf('credential-local')) ?? '';
  expect([isSecret(first, hash), isSecret(second, hash)]).toEqual([false, true]);
  expect((await home.call('DELETE', '/credentials/credential-local')).status).toBe(409);
});

test('there are at most 100 credentials', async () => {
  for (let i = 0; i < 101; i++) await store().create({ name: `${i}`, scopes: [], createdBy: 'test' });
  expect((await home.call('POST', '/credentials', { name: 'one more' })).status).toBe(409);
});

test('a token of a credential acts as SystemAdmin within its scopes, until the credential is deleted', async () => {
  const credentials = store();
  const { credential } = await credentials.create({ name: 'ci', scopes: ['tenant/tenant_read'], createdBy: 'root' });
  const { clientId } = credential;
  const principal = createPrincipals({
    authorize: async () => token(clientId, ['tenant/tenant_read'], clientId),
    table: home.deps.table,
    credentials,
  });
  expect(await principal('x')).toEqual({
    kind: 'user',
    userName: clientId,
    role: 'SystemAdmin',
    scopes: ['tenant/tenant_read'],
    basis: [{ check: { pk: 'client-credentials', sk: clientId }, if: 'present' }],
  });
  await credentials.delete(clientId);
  await expect(principal('x')).rejects.toThrow('the credential must exist');
});

test('DX-9: a client without a token can read how to sign in', async () => {
  const found = await home.call('GET', '/.well-known/tierplane', undefined, { token: 'none' });
  expect([found.status, found.body]).toEqual([
    200,
    {
      issuer: 'http://platform.test/realms/admin',
      clientId: 'tierplane-cli',
      scope: 'openid tenant/tenant_read tenant/tenant_write user/user_read user/user_write',
      controlPlanePath: '/control-plane',
      apiPath: '/api',
    },
  ]);
});

function token(subject: string, scopes: readonly string[], clientId = 'tierplane-cli'): VerifiedToken {
  return {
    issuer: 'http://platform.test/realms/admin',
    realm: 'admin',
    subject,
    clientId,
    scopes,
    issuedAt: 0,
    expiresAt: 4e9,
  };
}
