import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Item, put } from '../../../../core/ports/table.ts';
import { signIn } from '../../../support/sign-in-by-page.ts';
import { ACME, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
/** The form in which version 0.1.0 stored `PASSWORD`. */
const SECRET = {
  kind: 'scrypt',
  logN: 15,
  salt: 'BwcHBwcHBwcHBwcHBwcHBw',
  hash: '6F4q_5KWVajtdSSriqjh59FY8W6Vv4VAsc9qWhtpHRA',
};
const CREATED = '2026-01-02T03:04:05.000Z';

/** A user and a staged password, in the records of version 0.1.0. */
function storedBefore(issuer: string): readonly Item[] {
  const userName = 'Old@acme.example';
  const email = 'Old@acme.example';
  const subject = '01oldsubject0000000000000a';
  return [
    {
      ...{ pk: 'user#pool', sk: 'old@acme.example', version: 3 },
      data: {
        ...{ userName, email, role: 'TenantUser', tenantId: ACME, subject, enabled: true, status: 'CONFIRMED' },
        ...{ created: CREATED, modified: CREATED, secret: SECRET },
      },
      indexes: { g1: { pk: `user#pool#tenant#${ACME}`, sk: 'old@acme.example' } },
    },
    { pk: 'email#pool', sk: 'old@acme.example', version: 1, data: { userName } },
    {
      ...{ pk: `subject#pool#${subject}`, sk: 'subject', version: 3 },
      data: { issuer, subject, realm: 'pool', userName, email, role: 'TenantUser', enabled: true, tenantId: ACME },
    },
    {
      ...{ pk: `staged-password#${ACME}`, sk: 'password', version: 1, expiresAt: 4_102_444_800 },
      data: { email: 'staged@acme.example', secret: SECRET },
    },
  ];
}

describe('DX-8: identity data of version 0.1.0', () => {
  let server: RealmServer;
  beforeAll(async () => {
    server = await startRealmServer();
    // Version 0.1.0 also listed realms in an index, which nothing reads.
    const realm = {
      ...{ pk: 'realm#pool', sk: 'realm', version: 1, data: { id: 'pool', displayName: 'Shop' } },
      indexes: { g1: { pk: 'realms', sk: 'pool' } },
    };
    const items = [realm, ...storedBefore(server.issuer('pool'))];
    await server.table.transact(items.map((item) => put<object>(item)));
  });
  afterAll(async () => server?.close());

  const tokens = () => {
    const issuer = server.issuer('pool');
    return signIn({ issuer, clientId: 'tierplane-cli', userName: 'old@acme.example', password: PASSWORD });
  };

  test('a user signs in with the old password', async () => {
    expect((await tokens()).accessToken).not.toBe('');
  });

  test('a user is found by name, subject and tenant, and still holds the email', async () => {
    const user = await server.identity.user('pool', 'old@acme.example');
    expect(user).toEqual({
      ...{ userName: 'Old@acme.example', email: 'Old@acme.example', role: 'TenantUser', tenantId: ACME },
      ...{ subject: '01oldsubject0000000000000a', enabled: true, status: 'CONFIRMED' },
      ...{ created: CREATED, modified: CREATED },
    });
    await expect(server.identity.userOf('pool', '01oldsubject0000000000000a')).resolves.toEqual(user);
    await expect(server.identity.users('pool', { tenantId: ACME, limit: 10 })).resolves.toEqual({ items: [user] });
    await expect(server.identity.emailTaken('pool', 'old@acme.example')).resolves.toBe(true);
  });

  test('a staged password goes to the user with its email', async () => {
    const email = 'staged@acme.example';
    const user = { userName: email, email, role: 'TenantAdmin', tenantId: ACME };
    await expect(server.identity.createUser('pool', user)).resolves.toMatchObject({ status: 'CONFIRMED' });
    const issuer = server.issuer('pool');
    const given = await signIn({ issuer, clientId: 'tierplane-cli', userName: email, password: PASSWORD });
    expect(given.accessToken).not.toBe('');
  });

  test('a realm takes a new display name; a user can be changed, disabled and deleted', async () => {
    await server.identity.ensureRealm({ id: 'pool', displayName: 'New shop' });
    await expect(server.identity.realm('pool')).resolves.toMatchObject({ displayName: 'New shop' });
    await server.identity.updateUser('pool', 'old@acme.example', { email: 'new@acme.example' });
    // It is still the user's name.
    await expect(server.identity.emailTaken('pool', 'old@acme.example')).resolves.toBe(true);
    expect((await tokens()).accessToken).not.toBe('');
    await server.identity.setUserEnabled('pool', 'old@acme.example', false);
    await expect(tokens()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await server.identity.deleteUser('pool', 'old@acme.example');
    for (const pk of ['email#pool', 'subject#pool#01oldsubject0000000000000a']) {
      const { items } = await server.table.query({ pk, limit: 10 });
      expect(items.filter(({ sk }) => sk !== 'staged@acme.example')).toEqual([]);
    }
  });
});
