import { describe, expect, test } from '@jest/globals';
import type { Identity, NewUser, User } from '../../../core/ports/identity.ts';

const PASSWORD = 'Correct-horse-7';

/** One letter names the tenant; each test has its own. */
function tenantOf(letter: string): string {
  return letter.repeat(26);
}

/** The last administrator of the platform, and of each tenant, cannot be removed. The realms `admin` and `pool` exist. */
export function administratorContract(opened: () => Identity): void {
  async function create(name: string, more: Partial<NewUser>): Promise<User> {
    const email = `${name}@administrators.test`;
    return opened().createUser('pool', { userName: email, email, role: 'TenantAdmin', password: PASSWORD, ...more });
  }

  async function createSystemUser(userName: string, more: Partial<NewUser> = {}): Promise<User> {
    const email = `${userName}@administrators.test`;
    return opened().createUser('admin', { userName, email, role: 'SystemAdmin', password: PASSWORD, ...more });
  }

  /** Every change that takes an administrator away. */
  const removals = (realm: 'admin' | 'pool', { userName }: User) => [
    () => opened().updateUser(realm, userName, { role: 'TenantUser' }),
    () => opened().setUserEnabled(realm, userName, false),
    () => opened().deleteUser(realm, userName),
  ];

  describe('administrators', () => {
    test('ID-2: the last enabled administrator of a tenant can be neither demoted, disabled nor deleted', async () => {
      const tenantId = tenantOf('c');
      const boss = await create('boss', { tenantId });
      await create('member', { tenantId, role: 'TenantUser' });
      await create('stranger', { tenantId: tenantOf('d') });
      const off = await create('off', { tenantId });
      await opened().setUserEnabled('pool', off.userName, false);
      for (const remove of removals('pool', boss)) {
        await expect(remove()).rejects.toMatchObject({
          code: 'CONFLICT',
          message: 'User boss@administrators.test is the last enabled TenantAdmin who has signed in',
        });
      }
      await expect(opened().user('pool', boss.userName)).resolves.toEqual(boss);
      await expect(opened().updateUser('pool', boss.userName, { role: 'TenantAdmin' })).resolves.toMatchObject({
        role: 'TenantAdmin',
      });
    });

    test('ID-2: an administrator can be removed while another one remains, and a disabled one always', async () => {
      const tenantId = tenantOf('e');
      const first = await create('first-of-two', { tenantId });
      const second = await create('second-of-two', { tenantId });
      await opened().setUserEnabled('pool', first.userName, false);
      await opened().deleteUser('pool', first.userName);
      await expect(opened().deleteUser('pool', second.userName)).rejects.toMatchObject({ code: 'CONFLICT' });
      await opened().deleteTenantUsers('pool', tenantId);
      await expect(opened().users('pool', { tenantId, limit: 10 })).resolves.toEqual({ items: [] });
    });

    test('ID-2: an invited administrator who has never signed in does not count as remaining, and can be removed', async () => {
      const tenantId = tenantOf('k');
      const boss = await create('only-boss', { tenantId });
      const email = 'invited@administrators.test';
      await opened().createUser('pool', { userName: 'invited', email, role: 'TenantAdmin', tenantId });
      for (const remove of removals('pool', boss)) await expect(remove()).rejects.toMatchObject({ code: 'CONFLICT' });
      await opened().deleteUser('pool', 'invited');
      await expect(opened().user('pool', 'invited')).resolves.toBeUndefined();
      await opened().deleteTenantUsers('pool', tenantId);
    });

    test('ID-3: the last SystemAdmin who has signed in cannot be removed; an invited one does not count', async () => {
      const root = await createSystemUser('root');
      await createSystemUser('helper', { role: 'CustomerSupport' });
      const email = 'newcomer@administrators.test';
      await opened().createUser('admin', { userName: 'newcomer', email, role: 'SystemAdmin' });
      for (const remove of removals('admin', root)) {
        await expect(remove()).rejects.toMatchObject({
          code: 'CONFLICT',
          message: 'User root is the last enabled SystemAdmin who has signed in',
        });
      }
      await createSystemUser('second-root');
      await opened().deleteUser('admin', 'root');
      await expect(opened().user('admin', 'root')).resolves.toBeUndefined();
    });

    test.each<[string, string, (name: string) => Promise<unknown>]>([
      ['demote', 'g', (name: string) => opened().updateUser('pool', name, { role: 'TenantUser' })],
      ['disable', 'h', (name: string) => opened().setUserEnabled('pool', name, false)],
      ['delete', 'j', (name: string) => opened().deleteUser('pool', name)],
    ])('ID-2: of administrators who %s each other at the same moment, one remains', async (how, letter, remove) => {
      const tenantId = tenantOf(letter);
      const names = await Promise.all(
        [1, 2, 3, 4].map(async (n) => (await create(`${how}-${n}`, { tenantId })).userName),
      );
      const outcomes = await Promise.allSettled(names.map(remove));
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
      const { items } = await opened().users('pool', { tenantId, limit: 10 });
      expect(items.filter(({ role, enabled }) => role === 'TenantAdmin' && enabled)).toHaveLength(1);
    });

    test('a demoted administrator cannot take the user name of the remaining one as email', async () => {
      const tenantId = tenantOf('f');
      const boss = await create('mover', { tenantId });
      const other = await create('named', { tenantId, userName: 'named@login.test', email: 'named@login.test' });
      await opened().updateUser('pool', other.userName, { email: 'moved@login.test' });
      const change = { role: 'TenantUser', email: other.userName };
      await expect(opened().updateUser('pool', boss.userName, change)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(opened().user('pool', boss.userName)).resolves.toEqual(boss);
    });
  });
}
