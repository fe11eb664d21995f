import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTableCredentials } from '../../../adapters/embedded/identity/credentials.ts';
import { createPasswords } from '../../../adapters/embedded/identity/passwords.ts';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { DomainError } from '../../../core/errors.ts';
import { usersOf } from '../../../core/identity/users/user-records.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { ServiceCredentials } from '../../support/service-credentials.ts';
import {
  ANN,
  type ObservedScratch,
  type ObservedTable,
  openObservedTable,
  openUserStoreScene,
  TENANT,
  type UserStoreScene,
} from './user-store-scene.ts';

describe('the user store', () => {
  let scene: UserStoreScene;
  let table: ObservedTable;
  let credentials: ServiceCredentials;
  let identity: Identity;

  beforeEach(async () => {
    scene = await openUserStoreScene();
    ({ table, credentials, identity } = scene);
  });
  afterEach(async () => scene.close());

  test('a realm that exists is not written again, and keeps only what it is described by', async () => {
    await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
    expect(table.transactions).toEqual([]);
    const config = { issuer: 'http://service.test/pool', clientId: 'client' };
    expect(await identity.realm('pool')).toStrictEqual({ id: 'pool', displayName: 'Pool', ...config });
    const own = { id: `tenant-${TENANT}`, displayName: 'Own', tenantId: TENANT } as const;
    await identity.ensureRealm(own);
    const ownConfig = { issuer: `http://service.test/tenant-${TENANT}`, clientId: 'client' };
    expect(await identity.realm(own.id)).toStrictEqual({ ...own, ...ownConfig });
  });

  test('of concurrent creations of a realm, all get the same configuration', async () => {
    const spec = { id: `tenant-${TENANT}`, displayName: 'Own', tenantId: TENANT } as const;
    const configs = await Promise.all([1, 2, 3].map(() => identity.ensureRealm(spec)));
    expect(new Set(configs.map(({ issuer }) => issuer)).size).toBe(1);
    await expect(identity.realm(spec.id)).resolves.toMatchObject(spec);
    table.failing = true;
    const other = { id: 'admin', displayName: 'Administration' } as const;
    await expect(identity.ensureRealm(other)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a user is exactly what was given, with or without a tenant', async () => {
    await identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
    const root = { userName: 'root', email: 'root@p.test', role: 'SystemAdmin' };
    const now = '2026-01-01T00:00:00.000Z';
    const rest = { enabled: true, status: 'FORCE_CHANGE_PASSWORD', created: now, modified: now };
    expect(await identity.createUser('admin', root)).toStrictEqual({ ...root, subject: 'subject-1', ...rest });
    expect(await identity.createUser('pool', ANN)).toStrictEqual({ ...ANN, subject: 'subject-2', ...rest });
  });

  test('a user who keeps changing is UNAVAILABLE', async () => {
    await identity.createUser('pool', ANN);
    const { get } = table;
    table.get = async (key) => {
      const item = await get(key);
      // Another writer is always faster.
      if (item && key.pk === 'user#pool') return { ...item, version: item.version + 1 };
      return item;
    };
    await expect(identity.setUserEnabled('pool', ANN.userName, false)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('ID-2: the remaining administrator is found beyond the first page, and the record decides, not the index', async () => {
    const admin = (name: string) => ({
      ...ANN,
      userName: name,
      email: name,
      role: 'TenantAdmin',
      password: 'Correct-horse-7',
    });
    await identity.createUser('pool', admin('a@a.test'));
    for (let i = 0; i < 101; i++) {
      const name = `b${String(i).padStart(3, '0')}@a.test`;
      await identity.createUser('pool', { ...ANN, userName: name, email: name });
    }
    await identity.createUser('pool', admin('z@a.test'));
    const { query } = table;
    table.query = async (given) => {
      const page = await query(given);
      // An index that lags behind: it still shows the role of before, and a user who is gone.
      const items = page.items.map((item) => ({ ...item, data: { ...item.data, role: 'TenantAdmin' } }));
      const [first] = items;
      const gone = first && { ...first, data: { ...first.data, userName: 'gone@a.test' } };
      return { ...page, items: gone ? [gone, ...items] : items };
    };
    await identity.deleteUser('pool', 'a@a.test');
    await expect(identity.deleteUser('pool', 'z@a.test')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('deleting a disabled user changes nothing first', async () => {
    await identity.createUser('pool', ANN);
    await identity.setUserEnabled('pool', ANN.userName, false);
    table.transactions.length = 0;
    await identity.deleteUser('pool', ANN.userName);
    expect(table.transactions).toHaveLength(1);
  });

  test("ON-6: deleting a tenant's users withdraws their credentials, and does nothing in an unknown realm", async () => {
    await identity.createUser('pool', ANN);
    await identity.deleteTenantUsers('pool', TENANT);
    expect(credentials.accounts.size).toBe(0);
    await identity.deleteTenantUsers('admin', TENANT);
    await identity.deleteRealm('admin');
  });

  test('users of an unknown realm cannot be created, and an unknown realm has none', async () => {
    await expect(identity.createUser('admin', ANN)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(identity.users('admin', { limit: 10 })).resolves.toEqual({ items: [] });
  });
});

describe('ID-4: a guarded user store', () => {
  const forbidden = async () => Promise.reject(new DomainError('FORBIDDEN', 'not now'));
  let scene: UserStoreScene;
  beforeEach(async () => {
    scene = await openUserStoreScene();
    await scene.identity.createUser('pool', ANN);
  });
  afterEach(async () => scene.close());

  test('changes nothing that one of its guards does not permit', async () => {
    const asked: string[] = [];
    const permit = (name: string) => async () => {
      asked.push(name);
      return [];
    };
    const { identity } = scene;
    await identity.guardedBy(permit('a')).guardedBy(permit('b')).setUserEnabled('pool', ANN.userName, true);
    expect(asked).toEqual(['a', 'b']);
    scene.table.transactions.length = 0;
    for (const one of [
      identity.guardedBy(forbidden),
      identity.guardedBy(forbidden).guardedBy(permit('b')),
      identity.guardedBy(permit('a')).guardedBy(forbidden),
    ]) {
      await expect(one.setUserEnabled('pool', ANN.userName, false)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(one.deleteUser('pool', ANN.userName)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    expect(scene.table.transactions).toEqual([]);
  });

  test('completes a deletion that its guard has permitted, also if the user was deleting themselves', async () => {
    let permitted = true;
    const once = async () => {
      if (!permitted) throw new DomainError('FORBIDDEN', 'disabled');
      permitted = false;
      return [];
    };
    await scene.identity.guardedBy(once).deleteUser('pool', ANN.userName);
    await expect(scene.identity.user('pool', ANN.userName)).resolves.toBeUndefined();
  });
});

describe('a user store over credentials in the table', () => {
  let scratch: ObservedScratch;
  let table: ObservedTable;
  let identity: Identity;
  const mails: string[] = [];

  beforeEach(async () => {
    scratch = await openObservedTable();
    table = scratch.table;
    const { clock } = scratch;
    const options = { table, clock, random: systemRandom, publicUrl: 'http://platform.test' };
    const passwords = createPasswords({ temporaryKey: systemRandom(32), clock, random: systemRandom });
    const mailer = {
      draft: () => [],
      deliver: () => void mails.push('delivered'),
      deletionOf: async () => [],
    };
    const credentials = createTableCredentials({ ...options, passwords, mailer });
    identity = createUserStore({ table, clock, credentials });
    await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
    table.transactions.length = 0;
    mails.length = 0;
  });
  afterEach(async () => scratch.close());

  test.each([{}, { password: 'Correct-horse-7' }])(
    'a user and the password are one transaction: %j',
    async (chosen) => {
      await identity.createUser('pool', { ...ANN, ...chosen });
      expect(table.transactions).toHaveLength(1);
    },
  );

  test('a creation that fails leaves nothing and sends no mail', async () => {
    table.failing = true;
    await expect(identity.createUser('pool', ANN)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    table.failing = false;
    expect(mails).toEqual([]);
    await expect(table.query({ ...usersOf('pool'), limit: 10 })).resolves.toEqual({ items: [] });
    await identity.createUser('pool', ANN);
    expect(mails).toEqual(['delivered']);
  });
});
