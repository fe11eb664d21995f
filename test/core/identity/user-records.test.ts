import { describe, expect, test } from '@jest/globals';
import {
  emailItem,
  emailKey,
  realmItem,
  realmKey,
  stagedKey,
  subjectItem,
  toUser,
  type UserRecord,
  userItem,
  userKey,
  usersOf,
} from '../../../core/identity/users/user-records.ts';

const USER: UserRecord = {
  ...{ subject: 's1', userName: 'Ann', email: 'Ann@A.test', role: 'TenantUser', enabled: true, status: 'CONFIRMED' },
  ...{ created: '2026-01-01T00:00:00.000Z', modified: '2026-01-02T00:00:00.000Z' },
};
const MEMBER: UserRecord = { ...USER, tenantId: 'acme0000' };
const CONFIG = { issuer: 'http://platform.test/realms/pool', clientId: 'app' };

describe('the records of identity', () => {
  test('have keys per realm, regardless of the case of names and emails', () => {
    expect(realmKey('pool')).toEqual({ pk: 'realm#pool', sk: 'realm' });
    expect(userKey('pool', 'Ann')).toEqual({ pk: 'user#pool', sk: 'ann' });
    expect(emailKey('admin', 'Ann@A.test')).toEqual({ pk: 'email#admin', sk: 'ann@a.test' });
    expect(stagedKey('acme0000')).toEqual({ pk: 'staged-password#acme0000', sk: 'password' });
  });

  test('ID-4: list the users of a realm, or those of one tenant in it', () => {
    expect(usersOf('pool')).toStrictEqual({ pk: 'user#pool' });
    expect(usersOf('pool', 'acme0000')).toStrictEqual({ index: 'g1', pk: 'user#pool#tenant#acme0000' });
  });

  test('ID-4: list a user in the tenant, and a user without one nowhere', () => {
    const key = { pk: 'user#pool', sk: 'ann' };
    expect(userItem('pool', USER, 3)).toStrictEqual({ ...key, version: 3, data: USER });
    const { pk } = usersOf('pool', 'acme0000');
    const indexes = { g1: { pk, sk: 'ann' } };
    expect(userItem('pool', MEMBER, 3)).toStrictEqual({ ...key, version: 3, data: MEMBER, indexes });
  });

  test('of a realm and an email hold what was given', () => {
    const realm = { id: 'pool', displayName: 'Pool' } as const;
    expect(realmItem(realm, 2)).toStrictEqual({ pk: 'realm#pool', sk: 'realm', version: 2, data: realm });
    const email = { pk: 'email#pool', sk: 'ann@a.test', version: 4, data: { userName: 'Ann' } };
    expect(emailItem('pool', USER, 4)).toStrictEqual(email);
  });
});

describe('ID-4: what the gateway knows of a user', () => {
  const known = {
    ...{ issuer: CONFIG.issuer, subject: 's1', realm: 'pool', userName: 'Ann', email: 'Ann@A.test' },
    ...{ role: 'TenantUser', enabled: true },
  };

  test.each<[user: UserRecord, more: object]>([
    [USER, {}],
    [MEMBER, { tenantId: 'acme0000' }],
    [{ ...USER, tokensValidFrom: 0 }, { tokensValidFrom: 0 }],
    [
      { ...MEMBER, tokensValidFrom: 7 },
      { tenantId: 'acme0000', tokensValidFrom: 7 },
    ],
  ])('is exactly this of %j', (user, more) => {
    const key = { pk: 'subject#pool#s1', sk: 'subject' };
    expect(subjectItem('pool', CONFIG, user, 5)).toStrictEqual({ ...key, version: 5, data: { ...known, ...more } });
  });
});

test('SE-1.10: a user has no secret', () => {
  expect(toUser({ ...MEMBER, secret: { hash: 'x' } })).toStrictEqual(MEMBER);
});
