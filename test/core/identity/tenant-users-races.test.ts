import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openTenantUsers, type TenantUsers } from '../../../core/identity/users/tenant-users.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity, User } from '../../../core/ports/identity.ts';
import { type Key, put } from '../../../core/ports/table.ts';
import { beforeNextWrite } from '../../support/before-next-write.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { ServiceCredentials } from '../../support/service-credentials.ts';

const TENANT = 'acme0000000000000000000001';
const POOL = { id: 'pool', displayName: 'Shop' } as const;
const RECORD: Key<{ active: boolean }> = { pk: `tenant#${TENANT}`, sk: 'tenant' };

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let identity: Identity;
let admin: User;
let users: TenantUsers;

beforeEach(async () => {
  scratch = await openScratchTable();
  const { table, clock } = scratch;
  identity = createUserStore({ table, clock, credentials: new ServiceCredentials() });
  await identity.ensureRealm(POOL);
  await setTenant(1, true);
  admin = await create('admin@acme.test', 'TenantAdmin');
  await create('second@acme.test', 'TenantAdmin');
  await create('member@acme.test', 'TenantUser');
  const claims = { tier: 'basic', name: 'Acme', slug: 'acme' } as const;
  async function tenantClaims() {
    const item = await table.get(RECORD);
    if (!item) return undefined;
    const { active } = item.data;
    return { ...claims, active, basis: [{ check: RECORD, if: { version: item.version } }] as const };
  }
  users = await openTenantUsers({ identity, tenantClaims }, POOL, {
    ...{ issuer: 'x', realm: 'pool', subject: admin.subject, clientId: 'app', scopes: [], tenantId: TENANT },
    ...{ issuedAt: 4e9, expiresAt: 0 },
  });
});
afterEach(async () => scratch.close());

function create(email: string, role: string): Promise<User> {
  const password = 'Correct-horse-7';
  return identity.createUser('pool', { userName: email, email, role, tenantId: TENANT, password });
}

async function setTenant(version: number, active: boolean): Promise<void> {
  await scratch.table.transact([put({ ...RECORD, version, data: { active } })]);
}

const ACTIONS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['an invitation', () => users.create({ userName: 'late', email: 'late@acme.test', role: 'TenantAdmin' })],
  ['a promotion', () => users.change('member@acme.test', { role: 'TenantAdmin' })],
  ['a disabling', () => users.change('member@acme.test', { enabled: false })],
  ['a deletion', () => users.delete('member@acme.test')],
];
const LOSSES: readonly (readonly [string, string, () => Promise<unknown>])[] = [
  ['is demoted', 'FORBIDDEN', () => identity.updateUser('pool', admin.userName, { role: 'TenantUser' })],
  ['is disabled', 'UNAUTHENTICATED', () => identity.setUserEnabled('pool', admin.userName, false)],
  ['is deleted', 'UNAUTHENTICATED', () => identity.deleteUser('pool', admin.userName)],
  ['has a tenant that is being deleted', 'FORBIDDEN', () => setTenant(2, false)],
];

describe.each(ACTIONS)('ID-4: %s', (_action, act) => {
  test.each(LOSSES)('is not committed if the administrator %s at that moment', async (_loss, code, lose) => {
    beforeNextWrite(scratch.table, lose);
    await expect(act()).rejects.toMatchObject({ code });
    await expect(identity.user('pool', 'late')).resolves.toBeUndefined();
    const member = await identity.user('pool', 'member@acme.test');
    expect(member).toMatchObject({ role: 'TenantUser', enabled: true });
  });

  test('is committed although the records of the administrator and the tenant change in other ways', async () => {
    beforeNextWrite(scratch.table, async () => {
      await identity.updateUser('pool', admin.userName, { email: 'new-address@acme.test' });
      await setTenant(2, true);
    });
    await expect(act()).resolves.not.toThrow();
  });
});

test('ID-2: an administrator disables, demotes and deletes themselves while another one remains', async () => {
  await users.change(admin.userName, { role: 'TenantUser', enabled: false });
  await expect(identity.user('pool', admin.userName)).resolves.toMatchObject({ role: 'TenantUser', enabled: false });
  await expect(users.delete(admin.userName)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('ID-2: an administrator who deletes themselves is gone completely', async () => {
  await users.delete(admin.userName);
  await expect(identity.user('pool', admin.userName)).resolves.toBeUndefined();
  await expect(identity.emailTaken('pool', admin.email)).resolves.toBe(false);
});
