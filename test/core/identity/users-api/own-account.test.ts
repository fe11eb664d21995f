import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createOwnAccountHandler, type PasswordCheck } from '../../../../core/identity/users-api/own-account.ts';
import type { User } from '../../../../core/ports/identity.ts';
import { type Key, put } from '../../../../core/ports/table.ts';
import { beforeNextWrite } from '../../../support/before-next-write.ts';
import { ANN, openUserStoreScene, TENANT, type UserStoreScene } from '../user-store-scene.ts';

const POOL = { id: 'pool', displayName: 'Pool' } as const;
const RECORD: Key<{ active: boolean }> = { pk: `tenant#${TENANT}`, sk: 'tenant' };
const PASSWORD = 'Correct-horse-7';
const NEW_PASSWORD = 'Battery-staple-8';
const RESET_PASSWORD = 'Reset-horse-9';

let scene: UserStoreScene;
let user: User;

beforeEach(async () => {
  scene = await openUserStoreScene();
  await setTenant(1, true);
  user = await scene.identity.createUser('pool', { ...ANN, password: PASSWORD });
});
afterEach(async () => scene.close());

async function setTenant(version: number, active: boolean): Promise<void> {
  await scene.table.transact([put({ ...RECORD, version, data: { active } })]);
}

async function tenantClaims() {
  const item = await scene.table.get(RECORD);
  if (!item) return undefined;
  const basis = [{ check: RECORD, if: { version: item.version } }] as const;
  return { tier: 'basic', name: 'Acme', slug: 'acme', active: item.data.active, basis } as const;
}

/** Changes the password with the present one. @param meanwhile runs while that one is checked */
function changePassword(meanwhile: () => Promise<unknown>) {
  const { identity, clock, credentials } = scene;
  const issuedAt = Math.floor(clock.now() / 1_000);
  const { subject } = user;
  const token = { issuer: 'x', realm: 'pool', subject, clientId: 'app', scopes: [], tenantId: TENANT } as const;
  const handle = createOwnAccountHandler({
    identity,
    tenantClaims,
    authorize: async () => ({ ...token, issuedAt, expiresAt: 4e9 }),
  });
  return handle({
    ...{ realm: POOL, method: 'PUT', about: 'password', authorization: 'Bearer x' },
    body: async () => ({ oldPassword: PASSWORD, newPassword: NEW_PASSWORD }),
    async checkPassword(_realm, { userName }, password): Promise<PasswordCheck> {
      const outcome = credentials.account('pool', userName)?.password === password ? 'right' : 'wrong';
      await meanwhile();
      return { outcome };
    },
  });
}

const passwordNow = () => scene.credentials.account('pool', ANN.userName)?.password;

const LOSSES: readonly (readonly [string, string, () => Promise<unknown>])[] = [
  [
    'a link has set another one',
    RESET_PASSWORD,
    () => scene.identity.setPassword('pool', ANN.userName, RESET_PASSWORD),
  ],
  ['the user is disabled', PASSWORD, () => scene.identity.setUserEnabled('pool', ANN.userName, false)],
  ['the user signs out everywhere', PASSWORD, () => scene.identity.endSessions('pool', ANN.userName)],
  ['the tenant is suspended', PASSWORD, () => setTenant(2, false)],
];

describe('ID-4: a user who changes the password with the present one', () => {
  test.each(LOSSES)('is refused when %s while that one is checked', async (_what, remaining, lose) => {
    expect((await changePassword(lose)).status).toBe(401);
    expect(passwordNow()).toBe(remaining);
  });

  test.each(LOSSES)('is refused when %s at the moment of the write', async (_what, remaining, lose) => {
    const { status } = await changePassword(async () => beforeNextWrite(scene.table, lose));
    expect(status).toBe(401);
    expect(passwordNow()).toBe(remaining);
  });

  test('overwrites no password that the service alone has got meanwhile', async () => {
    const { status } = await changePassword(async () => {
      const account = scene.credentials.account('pool', ANN.userName);
      if (account) account.password = RESET_PASSWORD;
    });
    expect(status).toBe(409);
    expect(passwordNow()).toBe(RESET_PASSWORD);
  });

  test('gets it if nothing happens meanwhile, or only something that does not matter', async () => {
    const { status } = await changePassword(async () =>
      beforeNextWrite(scene.table, () => scene.identity.updateUser('pool', ANN.userName, { role: 'TenantAdmin' })),
    );
    expect(status).toBe(204);
    expect(passwordNow()).toBe(NEW_PASSWORD);
  });
});
