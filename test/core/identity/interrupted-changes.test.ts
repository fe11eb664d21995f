import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { usersOf } from '../../../core/identity/users/user-records.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { ServiceCredentials } from '../../support/service-credentials.ts';
import { ANN, type ObservedTable, openUserStoreScene, TENANT, type UserStoreScene } from './user-store-scene.ts';

let scene: UserStoreScene;
let table: ObservedTable;
let credentials: ServiceCredentials;
let identity: Identity;

beforeEach(async () => {
  scene = await openUserStoreScene();
  ({ table, credentials, identity } = scene);
});
afterEach(async () => scene.close());

describe('a user store over a credentials service', () => {
  /** A creation whose process ends right after the service has created the credentials. */
  async function interruptedCreation(): Promise<void> {
    const { issue } = credentials;
    credentials.issue = async (...given) => {
      table.failing = true;
      return issue.apply(credentials, given);
    };
    await expect(identity.createUser('pool', ANN)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    credentials.issue = issue;
    table.failing = false;
  }

  test('ON-5: a creation that the service refuses leaves nothing, and can be repeated at once', async () => {
    credentials.failing.add('issue');
    await expect(identity.createUser('pool', ANN)).rejects.toThrow('issue failed');
    await expect(table.query({ ...usersOf('pool'), limit: 10 })).resolves.toEqual({ items: [] });
    await expect(identity.emailTaken('pool', ANN.email)).resolves.toBe(false);
    await expect(identity.createUser('pool', ANN)).resolves.toMatchObject({ userName: ANN.userName });
  });

  test('ON-5: an interrupted creation is not a user, and blocks its name and email for a minute only', async () => {
    await interruptedCreation();
    await expect(identity.user('pool', ANN.userName)).resolves.toBeUndefined();
    await expect(identity.users('pool', { limit: 10 })).resolves.toEqual({ items: [] });
    await expect(identity.users('pool', { tenantId: TENANT, limit: 10 })).resolves.toEqual({ items: [] });
    await expect(identity.updateUser('pool', ANN.userName, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });

    scene.clock.advance(59_000);
    await expect(identity.createUser('pool', ANN)).rejects.toMatchObject({ code: 'CONFLICT' });
    scene.clock.advance(2_000);
    const user = await identity.createUser('pool', ANN);
    expect(credentials.account('pool', ANN.userName)?.subject).toBe(user.subject);
    scene.clock.advance(3_600_000);
    await expect(identity.user('pool', ANN.userName)).resolves.toEqual(user);
    await expect(identity.users('pool', { tenantId: TENANT, limit: 10 })).resolves.toEqual({ items: [user] });
  });

  test('ON-6: deleting the realm deletes an interrupted creation too', async () => {
    await interruptedCreation();
    await identity.deleteRealm('pool');
    await expect(identity.emailTaken('pool', ANN.email)).resolves.toBe(false);
    expect(credentials.accounts.size).toBe(0);
  });

  test('a creation that takes longer than its reservation fails and leaves nothing', async () => {
    const { issue } = credentials;
    credentials.issue = async (...given) => {
      scene.clock.advance(61_000);
      return issue.apply(credentials, given);
    };
    await expect(identity.createUser('pool', ANN)).rejects.toBeInstanceOf(ConditionFailed);
    await expect(identity.user('pool', ANN.userName)).resolves.toBeUndefined();
    expect(credentials.account('pool', ANN.userName)).toBeUndefined();
  });

  test('a user of a realm that is deleted during the creation is not created', async () => {
    const { issue } = credentials;
    credentials.issue = async (...given) => {
      await identity.deleteRealm('pool');
      return issue.apply(credentials, given);
    };
    await expect(identity.createUser('pool', ANN)).rejects.toBeInstanceOf(DomainError);
    await expect(table.query({ ...usersOf('pool'), limit: 10 })).resolves.toEqual({ items: [] });
    expect(credentials.accounts.size).toBe(0);
  });

  test('ID-4: a user whose disabling the service did not confirm is disabled, and disabling can be repeated', async () => {
    await identity.createUser('pool', ANN);
    credentials.failing.add('enabledChanged');
    await expect(identity.setUserEnabled('pool', ANN.userName, false)).rejects.toThrow('enabledChanged failed');
    await expect(identity.user('pool', ANN.userName)).resolves.toMatchObject({ enabled: false });
    credentials.calls.length = 0;
    await identity.setUserEnabled('pool', ANN.userName, false);
    expect(credentials.calls).toEqual(['enabledChanged']);
  });

  test('the service is notified of a new email, also if it was stored by an earlier attempt', async () => {
    await identity.createUser('pool', ANN);
    credentials.failing.add('emailChanged');
    const change = { email: 'moved@a.test' };
    await expect(identity.updateUser('pool', ANN.userName, change)).rejects.toThrow('emailChanged failed');
    credentials.calls.length = 0;
    await identity.updateUser('pool', ANN.userName, change);
    await identity.updateUser('pool', ANN.userName, { role: 'TenantAdmin' });
    expect(credentials.calls).toEqual(['emailChanged']);
  });

  test('a deletion that fails half-way leaves a disabled user, who can be deleted', async () => {
    await identity.createUser('pool', ANN);
    credentials.failing.add('withdraw');
    await expect(identity.deleteUser('pool', ANN.userName)).rejects.toThrow('withdraw failed');
    await expect(identity.user('pool', ANN.userName)).resolves.toMatchObject({ enabled: false });
    await identity.deleteUser('pool', ANN.userName);
    await expect(identity.user('pool', ANN.userName)).resolves.toBeUndefined();
    expect(credentials.account('pool', ANN.userName)).toBeUndefined();
  });

  test("ID-2: a refused deletion does not touch the last administrator's credentials", async () => {
    await identity.createUser('pool', { ...ANN, role: 'TenantAdmin' });
    credentials.calls.length = 0;
    await expect(identity.deleteUser('pool', ANN.userName)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(credentials.calls).toEqual([]);
  });

  test('ID-1: the record follows the service when an invited user has signed in', async () => {
    await identity.createUser('pool', ANN);
    const account = credentials.account('pool', ANN.userName);
    if (account) account.status = 'CONFIRMED';
    const { items } = await identity.users('pool', { tenantId: TENANT, limit: 10 });
    expect(items).toMatchObject([{ status: 'CONFIRMED' }]);
    credentials.accounts.clear();
    await expect(identity.user('pool', ANN.userName)).resolves.toMatchObject({ status: 'CONFIRMED' });
  });

  test('ID-3: an invited administrator who has signed in since counts as remaining', async () => {
    await identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
    const admin = (userName: string) => ({ userName, email: `${userName}@p.test`, role: 'SystemAdmin' });
    await identity.createUser('admin', { ...admin('root'), password: 'Correct-horse-7' });
    await identity.createUser('admin', admin('invited'));
    await expect(identity.deleteUser('admin', 'root')).rejects.toMatchObject({ code: 'CONFLICT' });
    const account = credentials.account('admin', 'invited');
    if (account) account.status = 'CONFIRMED';
    await identity.deleteUser('admin', 'root');
    await expect(identity.user('admin', 'root')).resolves.toBeUndefined();
  });

  test('ON-2: a staged password is used up only by a creation that completes', async () => {
    await table.transact([await identity.stagedPassword(TENANT, ANN.email, 'Correct-horse-7')]);
    credentials.failing.add('issue');
    await expect(identity.createUser('pool', ANN)).rejects.toThrow('issue failed');
    await identity.createUser('pool', ANN);
    expect(credentials.account('pool', ANN.userName)).toMatchObject({
      password: 'Correct-horse-7',
      status: 'CONFIRMED',
    });
  });

  test('ON-2: a staged password expires after 7 days', async () => {
    await table.transact([await identity.stagedPassword(TENANT, ANN.email, 'Correct-horse-7')]);
    scene.clock.advance(7 * 86_400_000 + 1_000);
    await expect(identity.createUser('pool', ANN)).resolves.toMatchObject({ status: 'FORCE_CHANGE_PASSWORD' });
  });
});
