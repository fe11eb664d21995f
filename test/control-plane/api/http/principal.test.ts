import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createPrincipals, type PrincipalOptions, systemUser } from '../../../../control-plane/api/http/principal.ts';
import { DomainError } from '../../../../core/errors.ts';
import type { VerifiedToken } from '../../../../core/identity/authorize.ts';
import type { Check } from '../../../../core/ports/table.ts';
import { subjectKey } from '../../../../core/routing/registry.ts';
import { openUserStoreScene, type UserStoreScene } from '../../../core/identity/user-store-scene.ts';

const SCOPES = ['tenant/tenant_read'];
const REFUSED = { code: 'UNAUTHENTICATED' };
const CREDENTIAL: Check = { check: { pk: 'credentials', sk: 'credential-1' }, if: 'present' };

let scene: UserStoreScene;
let subject: string;
beforeEach(async () => {
  scene = await openUserStoreScene();
  await scene.identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
  const ann = { userName: 'ann', email: 'ann@a.test', role: 'Auditor' };
  ({ subject } = await scene.identity.createUser('admin', ann));
});
afterEach(async () => scene.close());

/** The principal of a token that says too much of its user. */
function principal(token: Partial<VerifiedToken>, options: Partial<PrincipalOptions> = {}) {
  const verified: VerifiedToken = {
    ...{ issuer: 'x', realm: 'admin', subject, clientId: 'tierplane-cli', scopes: SCOPES, role: 'SystemAdmin' },
    ...{ userName: 'root', issuedAt: 1_000, expiresAt: 4e9, ...token },
  };
  return createPrincipals({ authorize: async () => verified, table: scene.table, ...options })('Bearer x');
}

test('ID-4: a token of a system user has the name and role of the registry, on condition that they stay', async () => {
  const basis = [{ check: subjectKey('admin', subject), if: { version: 2 } }];
  expect(await principal({})).toEqual({ kind: 'user', userName: 'ann', role: 'Auditor', scopes: SCOPES, basis });
  expect(await systemUser(scene.table, subject, 0)).toEqual({ userName: 'ann', role: 'Auditor', basis });
});

test('ID-4: a token of a user who is unknown, disabled, or signed out since is refused', async () => {
  await expect(principal({ subject: 'unknown' })).rejects.toMatchObject(REFUSED);
  const { tokensValidFrom = 0 } = await scene.identity.endSessions('admin', 'ann');
  await expect(principal({ issuedAt: tokensValidFrom - 1 })).rejects.toMatchObject(REFUSED);
  expect(await principal({ issuedAt: tokensValidFrom })).toMatchObject({ userName: 'ann' });
  await scene.identity.setUserEnabled('admin', 'ann', false);
  await expect(principal({ issuedAt: 4e9 })).rejects.toMatchObject(REFUSED);
});

test('SE-1.2: a token of another realm is refused, whoever its subject and client are', async () => {
  const { subject: other } = await scene.identity.createUser('pool', {
    ...{ userName: 'eve', email: 'eve@a.test', role: 'TenantAdmin', tenantId: 'acme0000' },
  });
  for (const one of [subject, other]) {
    await expect(principal({ realm: 'pool', subject: one })).rejects.toMatchObject(REFUSED);
    const machine = { machineClientIds: ['tierplane-cli'] };
    await expect(principal({ realm: 'pool', subject: one }, machine)).rejects.toMatchObject(REFUSED);
  }
  // The registry knows subjects by realm.
  await expect(principal({ subject: other })).rejects.toMatchObject(REFUSED);
});

test("ID-4: a token of one of the platform's own clients is a machine, and no other one is", async () => {
  const machineClientIds = ['a', 'b'];
  for (const clientId of machineClientIds) {
    expect(await principal({ clientId, subject: clientId }, { machineClientIds })).toEqual({ kind: 'machine' });
  }
  expect(await principal({}, { machineClientIds })).toMatchObject({ kind: 'user' });
  await expect(principal({ clientId: 'a', subject: 'a' })).rejects.toMatchObject(REFUSED);
});

test('DX-9: a token of a credential acts as SystemAdmin within its scopes while the credential exists', async () => {
  const basisOf = async (clientId: string) => (clientId === 'credential-1' ? [CREDENTIAL] : undefined);
  const token = { clientId: 'credential-1', subject: 'credential-1' };
  expect(await principal(token, { credentials: { basisOf } })).toEqual({
    ...{ kind: 'user', userName: 'credential-1', role: 'SystemAdmin', scopes: SCOPES, basis: [CREDENTIAL] },
  });
  const deleted = { clientId: 'credential-2', subject: 'credential-2' };
  const message = 'the credential must exist';
  await expect(principal(deleted, { credentials: { basisOf } })).rejects.toMatchObject({ ...REFUSED, message });
  await expect(principal(token)).rejects.toMatchObject({ ...REFUSED, message });
});

test('SE-1.2: a header without a valid token is refused with the error of `authorize`', async () => {
  const refuse = async () => Promise.reject(new DomainError('UNAUTHENTICATED', 'no token'));
  await expect(principal({}, { authorize: refuse })).rejects.toThrow('no token');
});
