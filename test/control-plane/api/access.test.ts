import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPrincipals } from '../../../control-plane/api/http/principal.ts';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import type { VerifiedToken } from '../../../core/identity/authorize.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import { type Home, startHome, type TokenName } from './home.ts';

let home: Home;
beforeAll(async () => {
  home = await startHome();
});
afterAll(async () => home[Symbol.asyncDispose]());

/** Operations that only the machine may call: users have none at the same method and path. */
const INTERNAL = createOperations(LOCAL_OPERATIONS)
  .map(({ method, path, access }) => ({
    method,
    path: path.replaceAll(/\{\w+\}/g, 'nope'),
    access,
    name: `${method} ${path}`,
  }))
  .filter(
    ({ name, access }, _, all) =>
      access.kind === 'machine' && !all.some((one) => one.name === name && one.access.kind === 'user'),
  );

async function statusOf({ method, path }: { method: string; path: string }, token: TokenName): Promise<number> {
  return (await home.call(method, path, undefined, { token })).status;
}

test('the internal operations are exactly POST, PUT and DELETE of tenants', () => {
  expect(INTERNAL.map(({ name }) => name)).toEqual([
    'POST /tenants',
    'PUT /tenants/{tenantId}',
    'DELETE /tenants/{tenantId}',
  ]);
});

test.each(INTERNAL)('$name accepts the machine client', async (one) => {
  expect(await statusOf(one, 'machine')).not.toBe(403);
});

test('the machine client reads tenants and registrations, and gets 403 for users and the operator routes', async () => {
  const { tenantRegistrationId } = await home.register('Machined');
  expect(await statusOf({ method: 'GET', path: '/tenants' }, 'machine')).toBe(200);
  expect(await statusOf({ method: 'GET', path: `/tenant-registrations/${tenantRegistrationId}` }, 'machine')).toBe(200);
  expect(await statusOf({ method: 'GET', path: '/users' }, 'machine')).toBe(403);
  expect(await statusOf({ method: 'GET', path: '/operator/status' }, 'machine')).toBe(403);
});

test('the machine client registers, updates and deletes a tenant, gets the tenant in each response, and the events are sent', async () => {
  const tenant = { tenantName: 'By Machine', email: 'm@m.example', tier: 'basic', prices: [] };
  const made = await home.call('POST', '/tenants', tenant, { token: 'machine' });
  expect([made.status, made.body.data]).toEqual([201, expect.objectContaining({ ...tenant, sbtaws_active: true })]);
  const path = `/tenants/${made.body.data.tenantId}`;
  const changed = await home.call('PUT', path, { tenantStatus: 'Complete', bucket: 'b' }, { token: 'machine' });
  expect(changed.body.data).toMatchObject({ tenantStatus: 'Complete', bucket: 'b', tenantName: 'By Machine' });
  const gone = await home.call('DELETE', path, undefined, { token: 'machine' });
  expect(gone.body.data).toMatchObject({ sbtaws_active: false, state: 'deprovisioning' });
  expect((await home.outbox()).slice(-2).map(({ detailType }) => detailType)).toEqual([
    'onboardingRequest',
    'offboardingRequest',
  ]);
});

describe('the principal of a token', () => {
  const token: VerifiedToken = {
    issuer: 'http://platform.test/realms/admin',
    realm: 'admin',
    subject: '',
    clientId: 'tierplane-cli',
    scopes: ['tenant/tenant_read'],
    role: 'SystemAdmin',
    userName: 'someone-else',
    issuedAt: 4e9,
    expiresAt: 0,
  };
  const principal = (given: Partial<VerifiedToken>) =>
    createPrincipals({
      authorize: async () => ({ ...token, ...given }),
      table: home.deps.table,
      machineClientIds: ['machine-client'],
    })('Bearer x');

  test('ID-4: has the name and role of the registry, not those of the token', async () => {
    const { identity } = home.deps;
    const { subject } = await identity.createUser('admin', {
      userName: 'ann',
      email: 'ann@a.example',
      role: 'Auditor',
    });
    expect(await principal({ subject })).toEqual({
      kind: 'user',
      userName: 'ann',
      role: 'Auditor',
      scopes: ['tenant/tenant_read'],
      basis: [{ check: subjectKey('admin', subject), if: { version: 1 } }],
    });
    const { tokensValidFrom = 0 } = await identity.endSessions('admin', 'ann');
    expect(await principal({ subject, issuedAt: tokensValidFrom })).toMatchObject({ userName: 'ann' });
    await expect(principal({ subject, issuedAt: tokensValidFrom - 1 })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await identity.setUserEnabled('admin', 'ann', false);
    await expect(principal({ subject })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await identity.deleteUser('admin', 'ann');
    await expect(principal({ subject })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test("SE-1.2: does not exist for a tenant's token, and is a machine only for a configured client", async () => {
    await expect(principal({ realm: 'pool', clientId: 'machine-client' })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(await principal({ clientId: 'machine-client' })).toEqual({ kind: 'machine' });
    await expect(principal({ subject: 'unknown' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
