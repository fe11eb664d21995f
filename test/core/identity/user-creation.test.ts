import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConditionFailed } from '../../../core/errors.ts';
import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import { createUser, stagedPassword } from '../../../core/identity/users/user-creation.ts';
import { emailKey, realmKey, stagedKey, userKey } from '../../../core/identity/users/user-records.ts';
import type { Credentials } from '../../../core/ports/credentials.ts';
import type { NewUser, RealmSpec } from '../../../core/ports/identity.ts';
import { type Check, put, type Write } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import type { MemorySecret } from '../../support/service-credentials.ts';
import { ANN, openUserStoreScene, TENANT, type UserStoreScene } from './user-store-scene.ts';

const PASSWORD = 'Correct-horse-7';
const CREATED = '2026-01-01T00:00:00.000Z';
/** The time of the scene in epoch seconds. */
const SECOND = Date.parse(CREATED) / 1_000;
/** The same person under a name that is not the email. */
const NAMED = { ...ANN, userName: 'Ann' };
const NAMES = { user: userKey('pool', 'Ann'), email: emailKey('pool', ANN.email) };
const REALM: Check = { check: realmKey('pool'), if: 'present' };
const subject = subjectKey('pool', 'subject-1');

let scene: UserStoreScene;
let transactions: UserStoreScene['table']['transactions'];
/** Credentials that are kept beside the table, or in it. */
let kept: Credentials<MemorySecret, RealmSpec>;

beforeEach(async () => {
  scene = await openUserStoreScene();
  transactions = scene.table.transactions;
  kept = scene.credentials;
});
afterEach(async () => scene.close());

/** Keeps the credentials in the table, as the embedded home does: their writes are part of the user's transaction. */
function keepInTable(writes: readonly Write[] = [], committed: () => void = () => undefined): void {
  const { credentials } = scene;
  kept = new Proxy<Credentials<MemorySecret, RealmSpec>>(credentials, {
    get: (target, name) => {
      if (name === 'keptIn') return 'table';
      if (name === 'issue') return async () => ({ subject: 'subject-1', secret: { sealed: 'x' }, writes, committed });
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const create = (user: NewUser = NAMED) => createUser({ ...scene, credentials: kept }, 'pool', user);
const present = async (...keys: Parameters<typeof scene.table.get>[0][]) =>
  (await Promise.all(keys.map((key) => scene.table.get(key)))).map((item) => item !== undefined);

/** A write without what it stores. */
function outlineOf(write: Write): object {
  if (!('put' in write)) return write;
  const { pk, sk, version, expiresAt, indexes } = write.put;
  return { put: { pk, sk }, version, if: write.if, ...(expiresAt && { expiresAt }), ...(indexes && { indexes }) };
}

const free = (field: 'user' | 'email') => {
  const [own, other] =
    field === 'user' ? [NAMES.user, emailKey('pool', 'Ann')] : [NAMES.email, userKey('pool', ANN.email)];
  return { own, other: { check: other, if: 'absent' } };
};
const indexes = { g1: { pk: `user#pool#tenant#${TENANT}`, sk: 'ann' } };

describe('the creation of a user', () => {
  test('whose password is kept in the table is one transaction, under the conditions that make it safe', async () => {
    const outbox = put({ pk: 'mail', sk: '1', version: 1, data: {} });
    keepInTable([outbox]);
    const user = await create();
    expect(transactions.map((writes) => writes.map(outlineOf))).toEqual([
      [
        { put: free('user').own, version: 1, if: 'absent', indexes },
        { put: free('email').own, version: 1, if: 'absent' },
        ...[free('user').other, free('email').other],
        { put: subject, version: 1, if: 'absent' },
        ...[REALM, outlineOf(outbox)],
      ],
    ]);
    const rest = {
      subject: 'subject-1',
      enabled: true,
      status: 'FORCE_CHANGE_PASSWORD',
      created: CREATED,
      modified: CREATED,
    };
    expect(user).toStrictEqual({ ...NAMED, ...rest });
    expect((await scene.table.get(NAMES.user))?.data).toStrictEqual({ ...NAMED, ...rest, secret: { sealed: 'x' } });
    expect((await scene.table.get(subject))?.data).toMatchObject({
      issuer: 'http://service.test/pool',
      tenantId: TENANT,
    });
  });

  test('whose password a service keeps reserves its names for a minute, unlisted, and then completes', async () => {
    await create();
    const expiresAt = SECOND + 60;
    // A reservation is not a user: it has no subject.
    expect(transactions[0]?.[0]).toMatchObject({ put: { data: { subject: '' } } });
    expect(transactions.map((writes) => writes.map(outlineOf))).toEqual([
      [
        { put: free('user').own, version: 1, if: 'absent', expiresAt },
        { put: free('email').own, version: 1, if: 'absent', expiresAt },
        ...[free('user').other, free('email').other, REALM],
      ],
      [
        { put: free('user').own, version: 2, if: { version: 1 }, indexes },
        { put: free('email').own, version: 2, if: { version: 1 } },
        ...[{ put: subject, version: 2, if: 'absent' }, REALM],
      ],
    ]);
  });

  test('sends the invitation once the user is stored', async () => {
    const order: string[] = [];
    keepInTable([], () => order.push(`sent after ${transactions.length} transaction`));
    await create();
    expect(order).toEqual(['sent after 1 transaction']);
    scene.table.failing = true;
    await expect(create({ ...NAMED, userName: 'bob' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(order).toHaveLength(1);
  });

  test('under the own email, in any case of letters, needs no further names', async () => {
    keepInTable();
    await create({ ...ANN, userName: 'ANN@a.test' });
    expect(transactions[0]?.filter((write) => 'check' in write)).toEqual([REALM]);
  });

  test('with a password is confirmed; a weak one is refused', async () => {
    await expect(create({ ...NAMED, password: 'weak' })).rejects.toMatchObject({ code: 'INVALID' });
    expect(transactions).toEqual([]);
    expect(await create({ ...NAMED, password: PASSWORD })).toMatchObject({ status: 'CONFIRMED' });
  });
});

describe('the mails of creations', () => {
  /** The mails that were taken, without those given back. */
  let taken: object[];
  const mailLimits: MailLimits = {
    take(mail) {
      taken.push(mail);
      return () => void taken.splice(taken.indexOf(mail), 1);
    },
  };
  const limited = (user: NewUser) => createUser({ ...scene, mailLimits }, 'pool', user);

  test('are limited for invitations, and none is counted for a user with a password or a failed creation', async () => {
    taken = [];
    await limited({ ...NAMED, password: PASSWORD });
    expect(taken).toEqual([]);
    await limited({ ...NAMED, userName: 'bob', email: 'bob@a.test' });
    expect(taken).toEqual([{ to: 'bob@a.test', tenantId: TENANT }]);
    await expect(limited({ ...NAMED, userName: 'Bob', email: 'other@a.test' })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(taken).toHaveLength(1);
  });
});

describe('ON-9: a creation is refused with the field that is taken', () => {
  const other = { ...NAMED, userName: 'bob', email: 'bob@a.test' };

  test.each<[what: string, first: Partial<NewUser>, field: 'userName' | 'email']>([
    ['the user name', { userName: 'ANN' }, 'userName'],
    ['the email', { email: 'ANN@A.test' }, 'email'],
  ])('%s, whoever keeps the passwords', async (_what, first, field) => {
    for (const keep of [() => undefined, keepInTable]) {
      keep();
      await create({ ...other, ...first }).catch(() => undefined);
      await expect(create()).rejects.toMatchObject({
        ...{ code: 'CONFLICT', issues: [{ loc: ['body', field] }], cause: expect.any(ConditionFailed) },
      });
    }
  });

  test.each([
    ['the user name is the email of another user', emailKey('pool', 'Ann'), 'userName'],
    ['the email is the user name of another user', userKey('pool', ANN.email), 'email'],
  ])('%s', async (_what, key, field) => {
    keepInTable();
    await scene.table.transact([put<object>({ ...key, version: 1, data: {} })]);
    await expect(create()).rejects.toMatchObject({ code: 'CONFLICT', issues: [{ loc: ['body', field] }] });
  });

  test('but not for a realm that is deleted meanwhile, nor for a condition of the credentials', async () => {
    keepInTable([{ check: { pk: 'x', sk: 'x' }, if: 'present' }]);
    await expect(create()).rejects.toBeInstanceOf(ConditionFailed);
    const { get } = scene.table;
    scene.table.get = async (key) => {
      const item = await get(key);
      if (key.pk === 'realm#pool') await scene.table.transact([{ delete: realmKey('pool') }]);
      return item;
    };
    await expect(create()).rejects.toMatchObject({ code: 'NOT_FOUND', message: "realm 'pool' not found" });
  });
});

describe('a creation that fails', () => {
  test('releases its names if a service keeps the passwords, and reports the first error', async () => {
    scene.credentials.failing.add('issue');
    await expect(create()).rejects.toThrow('issue failed');
    expect(await present(NAMES.user, NAMES.email)).toEqual([false, false]);
    scene.credentials.failing.add('issue').add('withdraw');
    await expect(create()).rejects.toThrow('issue failed');
    // The reservation could not be deleted, and expires.
    expect(await present(NAMES.user, NAMES.email)).toEqual([true, true]);
  });

  test('deletes nothing if the table keeps the passwords: the names may be those of another user', async () => {
    await create();
    keepInTable();
    scene.credentials.calls.length = 0;
    await expect(create({ ...NAMED, email: 'other@a.test' })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect([scene.credentials.calls, await present(NAMES.user, NAMES.email)]).toEqual([[], [true, true]]);
  });

  test('with an error of the store has that error', async () => {
    keepInTable();
    scene.table.failing = true;
    await expect(create()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('ON-2: the password that a company chose at sign-up', () => {
  const stage = (email = ANN.email) => stagedPassword(scene, TENANT, email, PASSWORD);
  const isStaged = async () => (await present(stagedKey(TENANT)))[0];

  test('is stored sealed for a week', async () => {
    const data = { email: ANN.email, secret: { sealed: expect.any(String) } };
    const expiresAt = SECOND + 7 * 86_400;
    expect(await stage()).toStrictEqual(put({ ...stagedKey(TENANT), version: 1, data, expiresAt }));
  });

  test('is refused if it is weak, or the email is none', async () => {
    await expect(stagedPassword(scene, TENANT, ANN.email, 'weak')).rejects.toMatchObject({ code: 'INVALID' });
    await expect(stage('no email')).rejects.toMatchObject({ issues: [{ loc: ['body', 'email'] }] });
  });

  test.each<[what: string, user: NewUser, status: string, left: boolean]>([
    ["is the first administrator's", { ...ANN, email: 'ANN@a.test', userName: 'ANN@a.test' }, 'CONFIRMED', false],
    ['is not that of another user', { ...ANN, userName: 'bob', email: 'bob@a.test' }, 'FORCE_CHANGE_PASSWORD', true],
    ['is not that of another tenant', { ...ANN, tenantId: 'b'.repeat(26) }, 'FORCE_CHANGE_PASSWORD', true],
    ['does not replace a given one', { ...ANN, password: 'Another-horse-8' }, 'CONFIRMED', true],
  ])('%s', async (_what, user, status, left) => {
    await scene.table.transact([await stage()]);
    expect(await create(user)).toMatchObject({ status });
    expect(await isStaged()).toBe(left);
    const own = user.password ?? (left ? 'temporary' : PASSWORD);
    expect(scene.credentials.account('pool', user.userName)?.password).toBe(own);
  });

  test('reaches the provider sealed', async () => {
    await scene.table.transact([await stage()]);
    const { issue } = scene.credentials;
    const issued: unknown[] = [];
    scene.credentials.issue = async (...given) => {
      issued.push(given[2]);
      return issue.apply(scene.credentials, given);
    };
    await create(ANN);
    expect(issued).toEqual([{ kind: 'protected', secret: { sealed: expect.any(String) }, tenantId: TENANT }]);
  });

  test('is used up under the condition that it is still the one that was read', async () => {
    await scene.table.transact([await stage()]);
    await create(ANN);
    expect(transactions.at(-1)).toContainEqual({ delete: stagedKey(TENANT), if: { version: 1 } });
  });
});
