import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import { stagedKey } from '../../../core/identity/users/user-records.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { type ObservedScratch, openObservedTable } from '../../core/identity/user-store-scene.ts';
import { ServiceCredentials } from '../../support/service-credentials.ts';
import type { Body } from './home.ts';
import { type LightHome, startLightHome } from './light-home.ts';

const PASSWORD = 'Correct-horse-1';
const WEEK_MS = 7 * 86_400_000;

/** A control plane whose table is another one than the application plane's. */
let home: LightHome;
let appPlane: ObservedScratch;
/** The application plane's users. */
let users: Identity;
let credentials: ServiceCredentials;

beforeEach(async () => {
  home = await startLightHome();
  appPlane = await openObservedTable();
  credentials = new ServiceCredentials();
  const clock = home.clock;
  users = createUserStore({ table: appPlane.table, clock, credentials });
  await users.ensureRealm({ id: 'pool', displayName: 'Shop' });
  Object.assign(home.deps, { administrators: { table: appPlane.table, identity: users } });
});
afterEach(async () => {
  await appPlane.close();
  await home[Symbol.asyncDispose]();
});

const WAYS = {
  'a sign-up': (name: string, email: string) =>
    home.call('POST', '/onboarding', { tenant_name: name, email, password: PASSWORD }),
  'a registration': (tenantName: string, email: string) =>
    home.call('POST', '/tenant-registrations', {
      tenantData: { tenantName, email, tier: 'basic' },
      adminPassword: PASSWORD,
    }),
} as const;

const tenants = async (): Promise<Body[]> => (await home.call('GET', '/tenants')).body.data;

/** The staged passwords that are not withdrawn, by tenant id. */
const staged = () => stagedIn(appPlane);

function stagedIn({ table }: Pick<ObservedScratch, 'table'>): Map<string, object> {
  const puts = table.transactions.flat().flatMap((write) => ('put' in write ? [write.put] : []));
  const byTenant = new Map(puts.map(({ pk, data }) => [pk, data as { secret?: object }]));
  return new Map(
    [...byTenant].flatMap(([pk, { secret }]) => {
      const tenantId = pk.startsWith('staged-password#') ? pk.slice('staged-password#'.length) : undefined;
      return tenantId !== undefined && secret && Object.keys(secret).length > 0 ? [[tenantId, secret]] : [];
    }),
  );
}

/** Makes the next transaction of the control plane that creates a tenant fail. */
function failOnce(error: () => DomainError): void {
  const { table } = home.deps;
  const { transact } = table;
  Object.assign(table, {
    async transact(writes: Parameters<Table['transact']>[0]) {
      if (!writes.some((write) => 'put' in write && write.put.pk.startsWith('tenant-email#'))) return transact(writes);
      Object.assign(table, { transact });
      throw error();
    },
  });
}

describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('ON-2: %s', (way) => {
  const submit = WAYS[way];

  test('leaves its password in the table of the application plane, where its administrator takes it', async () => {
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(201);
    const [{ tenantId }] = (await tenants()) as [Body];
    expect([...staged().keys()]).toEqual([tenantId]);
    expect(await home.deps.table.get(stagedKey(tenantId))).toBeUndefined();
    const admin = { userName: 'boss@acme.example', email: 'boss@acme.example', role: 'TenantAdmin', tenantId };
    await expect(users.createUser('pool', admin)).resolves.toMatchObject({ status: 'CONFIRMED' });
    expect(credentials.account('pool', admin.userName)).toMatchObject({ password: PASSWORD });
    expect(await appPlane.table.get(stagedKey(tenantId))).toBeUndefined();
  });

  test('finds an email that a user of the pool holds, and leaves nothing', async () => {
    const boss = { userName: 'boss@acme.example', email: 'boss@acme.example', role: 'TenantUser' };
    await users.createUser('pool', { ...boss, tenantId: 'abcdefgh' });
    const { status } = await submit('Acme', 'Boss@acme.example');
    expect(status).toBe(way === 'a sign-up' ? 201 : 409);
    expect([await tenants(), staged().size]).toEqual([[], 0]);
  });

  test('uses only a read of email#pool and puts of staged-password#', async () => {
    const reads: string[] = [];
    const { get, query } = appPlane.table;
    Object.assign(appPlane.table, {
      get: (key: Parameters<Table['get']>[0]) => get({ ...key, ...(reads.push(key.pk) && {}) }),
      query: (all: Parameters<Table['query']>[0]) => query({ ...all, ...(reads.push(`query ${all.pk}`) && {}) }),
    });
    appPlane.table.transactions.length = 0;
    await submit('Acme', 'boss@acme.example');
    failOnce(() => new DomainError('CONFLICT', "Tenant name 'Globex' is taken"));
    await submit('Globex', 'boss@globex.example');
    expect(new Set(reads)).toEqual(new Set(['email#pool']));
    const writes = appPlane.table.transactions.flat();
    expect(writes).toHaveLength(3);
    for (const write of writes) {
      expect(Object.keys(write)).toEqual(['put']);
      expect('put' in write && write.put.pk).toMatch(/^staged-password#[a-z0-9]{26}$/);
    }
  });

  test('withdraws the password if the registration is refused after it was staged', async () => {
    failOnce(() => new DomainError('CONFLICT', "Tenant name 'Acme' is taken"));
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(409);
    expect([await tenants(), staged().size]).toEqual([[], 0]);
    expect(JSON.stringify(appPlane.table.transactions.at(-1))).not.toContain('sealed');
  });

  test('keeps the password, for a week, if it is not known whether the registration was stored', async () => {
    failOnce(() => new DomainError('UNAVAILABLE', 'DynamoDB failed: TimeoutError'));
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(503);
    const [tenantId = ''] = staged().keys();
    expect(await appPlane.table.get(stagedKey(tenantId))).toBeDefined();
    appPlane.clock.advance(WEEK_MS + 1_000);
    expect(await appPlane.table.get(stagedKey(tenantId))).toBeUndefined();
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(201);
  });

  test('registers nothing while the table of the application plane is not available', async () => {
    appPlane.table.failing = true;
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(503);
    expect([await tenants(), await home.outbox()]).toEqual([[], []]);
    appPlane.table.failing = false;
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(201);
  });

  test('that is refused although its password cannot be withdrawn gets its own response', async () => {
    failOnce(() => {
      appPlane.table.failing = true;
      return new DomainError('CONFLICT', "Tenant name 'Acme' is taken");
    });
    expect((await submit('Acme', 'boss@acme.example')).status).toBe(409);
  });
});
