import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createIdentityDriver } from '../../../../app-plane/provisioner/drivers/identity.ts';
import type { Change } from '../../../../core/plan/resources.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';
import { type FakeIdentity, openFakeIdentity } from '../fake-identity.ts';

const ID = 'acme0000';
const OWN = `tenant-${ID}` as const;
const EMAIL = 'admin@acme.example';

type IdentityChange = Change<'user-pool' | 'admin-user'>;

const pool = (action: 'create' | 'delete') =>
  ({
    action,
    resource: { kind: 'user-pool', name: OWN, tenantId: ID, spec: {}, inputs: { displayName: 'Acme' } },
  }) as IdentityChange;
const admin = (action: 'create' | 'delete', name: 'pool' | typeof OWN, tenantId = ID) =>
  ({
    action,
    resource: {
      kind: 'admin-user',
      name,
      tenantId,
      spec: {},
      inputs: { email: EMAIL, tenantName: 'Acme', slug: 'acme' },
    },
  }) as IdentityChange;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let identity: FakeIdentity;
let driver: ReturnType<typeof createIdentityDriver>;

beforeEach(async () => {
  scratch = await openScratchTable();
  identity = openFakeIdentity(scratch.table, scratch.clock);
  driver = createIdentityDriver({ identity });
  await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
});
afterEach(() => scratch.close());

const observed = async () => (await driver.observe(ID)).map(({ kind, name }) => `${kind} ${name}`);

describe('the user pool and the administrator of a tenant', () => {
  test('are created, found and removed in a realm of the tenant', async () => {
    expect([driver.kinds, await observed()]).toEqual([['user-pool', 'admin-user'], []]);
    await driver.apply(pool('create'));
    expect(await observed()).toEqual([`user-pool ${OWN}`]);
    await driver.apply(admin('create', OWN));
    expect(await driver.observe(ID)).toEqual([
      { kind: 'user-pool', name: OWN, tenantId: ID, spec: {} },
      { kind: 'admin-user', name: OWN, tenantId: ID, spec: {} },
    ]);
    expect(await identity.usersOf(ID)).toMatchObject([
      {
        realm: OWN,
        userName: EMAIL,
        email: EMAIL,
        role: 'TenantAdmin',
        tenantId: ID,
        invitation: { tenantName: 'Acme', slug: 'acme' },
      },
    ]);
    await driver.apply(admin('delete', OWN));
    expect(await observed()).toEqual([`user-pool ${OWN}`]);
    await driver.apply(pool('delete'));
    expect(await observed()).toEqual([]);
  });

  test('are created, found and removed in the pooled realm, without those of another tenant', async () => {
    const another = {
      userName: 'b@globex.example',
      email: 'b@globex.example',
      role: 'TenantUser',
      tenantId: 'globex00',
    };
    await identity.createUser('pool', another as Parameters<FakeIdentity['createUser']>[1]);
    expect(await observed()).toEqual([]);
    await driver.apply(admin('create', 'pool'));
    expect(await driver.observe(ID)).toEqual([{ kind: 'admin-user', name: 'pool', tenantId: ID, spec: {} }]);
    await driver.apply(admin('delete', 'pool'));
    expect(await observed()).toEqual([]);
    await driver.apply(admin('create', 'pool'));
    await driver.purge?.(ID);
    expect(await observed()).toEqual([]);
    expect(await identity.usersOf('globex00')).toHaveLength(1);
  });

  test('are created once, however often they are requested', async () => {
    for (let i = 0; i < 2; i++) {
      await driver.apply(pool('create'));
      await driver.apply(admin('create', OWN));
    }
    expect(await identity.usersOf(ID)).toHaveLength(1);
  });

  test('are not created if the email belongs to a user of another tenant', async () => {
    await driver.apply(admin('create', 'pool', 'globex00'));
    await expect(driver.apply(admin('create', 'pool'))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'the email of the first administrator is taken by another user',
      cause: { code: 'CONFLICT' },
    });
    expect(await observed()).toEqual([]);
  });

  test('wait if nobody has the email any more, or if a killed process has only reserved it', async () => {
    await driver.apply(admin('create', 'pool', 'globex00'));
    const gone = createIdentityDriver({
      identity: { ...identity, user: async () => undefined },
    });
    const reserved = { pending: 'the email of the first administrator is reserved', lookAgainMs: 10_000 };
    expect(await gone.apply(admin('create', 'pool'))).toEqual(reserved);
  });

  test('fail with the error of the identity provider, whatever it is', async () => {
    const error = new Error('no network');
    const failing = createIdentityDriver({
      identity: { ...identity, createUser: () => Promise.reject(error) },
    });
    await expect(failing.apply(admin('create', 'pool'))).rejects.toBe(error);
  });
});
