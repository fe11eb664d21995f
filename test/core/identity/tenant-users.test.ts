import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { VerifiedToken } from '../../../core/identity/authorize.ts';
import type { TenantClaims } from '../../../core/identity/tenant-claims.ts';
import { openTenantUsers, type TenantUsers } from '../../../core/identity/users/tenant-users.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity, NewUser, User } from '../../../core/ports/identity.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { ServiceCredentials } from '../../support/service-credentials.ts';

const ACME = 'acme0000000000000000000001';
const GLOBEX = 'globex00000000000000000001';
const POOL = { id: 'pool', displayName: 'Shop' } as const;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let identity: Identity;
let invited: NewUser['invitation'];
let claims: Omit<TenantClaims, 'basis'> | undefined;
let admin: User;

beforeEach(async () => {
  scratch = await openScratchTable();
  const credentials = new ServiceCredentials();
  const { issue, invite } = credentials;
  credentials.issue = async (realm, user, chosen) => {
    invited = user.invitation;
    return issue.call(credentials, realm, user, chosen);
  };
  credentials.invite = async (realm, user, tenant) => {
    invited = tenant;
    return invite.call(credentials, realm, user, tenant);
  };
  identity = createUserStore({ table: scratch.table, clock: scratch.clock, credentials });
  await identity.ensureRealm(POOL);
  await identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
  claims = { tier: 'basic', active: true, name: 'Acme Inc.', slug: 'acme-inc' };
  admin = await create('admin@acme.test', 'TenantAdmin', ACME);
  await create('member@acme.test', 'TenantUser', ACME);
  await create('admin@globex.test', 'TenantAdmin', GLOBEX);
});
afterEach(async () => scratch.close());

function create(email: string, role: string, tenantId: string): Promise<User> {
  return identity.createUser('pool', { userName: email, email, role, tenantId, password: 'Correct-horse-7' });
}

function open(token: Partial<VerifiedToken> = {}): Promise<TenantUsers> {
  const options = { identity, tenantClaims: async () => claims && { ...claims, basis: [] } };
  return openTenantUsers(options, POOL, {
    ...{ issuer: 'x', realm: 'pool', subject: admin.subject, clientId: 'app', scopes: [], tenantId: ACME },
    ...{ issuedAt: 4e9, expiresAt: 0, ...token },
  });
}

describe("the users of a tenant, for the tenant's administrator", () => {
  test('ID-2: are listed, and found by name, within the tenant only', async () => {
    const users = await open();
    const { items } = await users.list({ limit: 10 });
    expect(items.map(({ userName }) => userName)).toEqual(['admin@acme.test', 'member@acme.test']);
    await expect(users.get('member@acme.test')).resolves.toMatchObject({ tenantId: ACME });
    for (const name of ['admin@globex.test', 'nobody', '']) {
      await expect(users.get(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(users.change(name, { enabled: false })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(users.delete(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await expect(identity.user('pool', 'admin@globex.test')).resolves.toMatchObject({ enabled: true });
  });

  test('ID-1: are invited, also again, under the name of the tenant', async () => {
    const user = { userName: 'new@acme.test', email: 'new@acme.test', role: 'TenantUser' } as const;
    await expect((await open()).create(user)).resolves.toMatchObject({ tenantId: ACME });
    expect(invited).toEqual({ tenantName: 'Acme Inc.', slug: 'acme-inc' });
    invited = undefined;
    await expect((await open()).invite('new@acme.test')).resolves.toMatchObject({ status: 'FORCE_CHANGE_PASSWORD' });
    expect(invited).toEqual({ tenantName: 'Acme Inc.', slug: 'acme-inc' });
    for (const name of ['admin@globex.test', 'nobody', '']) {
      await expect((await open()).invite(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await expect((await open()).invite('member@acme.test')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('ID-2: change only in what is given, and are deleted', async () => {
    const users = await open();
    await expect(users.change('member@acme.test', { enabled: false })).resolves.toMatchObject({
      ...{ role: 'TenantUser', enabled: false },
    });
    await expect(users.change('member@acme.test', { role: 'TenantAdmin' })).resolves.toMatchObject({
      ...{ role: 'TenantAdmin', enabled: false },
    });
    const before = await users.get('member@acme.test');
    scratch.clock.advance(1_000);
    await expect(users.change('member@acme.test', {})).resolves.toEqual(before);
    await users.delete('member@acme.test');
    await expect(users.get('member@acme.test')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('ID-2: always keep an administrator', async () => {
    const users = await open();
    await expect(users.change(admin.userName, { role: 'TenantUser' })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(users.delete(admin.userName)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test.each<[string, Partial<VerifiedToken>, string]>([
    ['of another realm', { realm: 'admin' }, 'UNAUTHENTICATED'],
    ['of an unknown user', { subject: 'unknown' }, 'UNAUTHENTICATED'],
    ['with another tenant than the record', { tenantId: GLOBEX }, 'FORBIDDEN'],
  ])('ID-4: a token %s is refused', async (_which, token, code) => {
    await expect(open(token)).rejects.toMatchObject({ code });
  });

  test('ID-4: the current record decides: a demoted administrator and a disabled one are refused', async () => {
    await identity.updateUser('pool', 'member@acme.test', { role: 'TenantAdmin' });
    await identity.updateUser('pool', admin.userName, { role: 'TenantUser' });
    await expect(open()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await identity.setUserEnabled('pool', admin.userName, false);
    await expect(open()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('ID-4: a system user manages no tenant', async () => {
    const user = { userName: 'root', email: 'root@p.test', role: 'TenantAdmin', password: 'Correct-horse-7' };
    const { subject } = await identity.createUser('admin', user);
    const options = { identity, tenantClaims: async () => claims && { ...claims, basis: [] } };
    const realm = { id: 'admin', displayName: 'Administration' } as const;
    const token = {
      issuer: 'x',
      realm: 'admin',
      subject,
      clientId: 'app',
      scopes: [],
      issuedAt: 4e9,
      expiresAt: 0,
    } as const;
    await expect(openTenantUsers(options, realm, token)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test.each<typeof claims>([undefined, { tier: 'basic', active: false, name: 'Acme Inc.', slug: 'acme-inc' }])(
    'ON-7: nobody manages a tenant %j',
    async (state) => {
      claims = state;
      await expect(open()).rejects.toMatchObject({ code: 'FORBIDDEN', message: 'the tenant must be active' });
    },
  );
});
