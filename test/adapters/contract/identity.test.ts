import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../../support/sign-in-by-page.ts';
import { INITECH, type RealmServer, startRealmServer } from '../embedded/identity/realm-server.ts';
import { identityContract } from './identity.suite.ts';

identityContract('the embedded identity', startRealmServer);

describe('the embedded identity', () => {
  let server: RealmServer;
  beforeAll(async () => {
    server = await startRealmServer();
  });
  afterAll(async () => server?.close());

  test('ON-6: a deleted realm leaves no key, session, subject, mail or password', async () => {
    const realm = `tenant-${INITECH}` as const;
    const password = 'Correct-horse-7';
    const email = 'ann@initech.example';
    const options = { issuer: server.issuer(realm), clientId: 'tierplane-cli', userName: email, password };
    const { subject } = await server.identity.createUser(realm, {
      userName: email,
      email,
      role: 'TenantAdmin',
      tenantId: INITECH,
      password,
    });
    await server.identity.createUser(realm, {
      userName: 'bob@initech.example',
      email: 'bob@initech.example',
      role: 'TenantUser',
      tenantId: INITECH,
    });
    await server.table.transact([await server.identity.stagedPassword(INITECH, 'late@initech.example', password)]);
    await signIn(options);
    const partitions = [
      `realm#${realm}`,
      `user#${realm}`,
      `email#${realm}`,
      `oidc#${realm}`,
      `subject#${realm}#${subject}`,
    ];
    expect(partitions.filter((pk) => server.table.hasPartitions(pk))).toEqual(partitions);
    expect(await server.invitedPassword('bob@initech.example')).not.toBe('');

    await server.identity.deleteRealm(realm);
    // An offboarding ends with this call.
    await server.identity.deleteTenantUsers('pool', INITECH);
    const staged = `staged-password#${INITECH}`;
    // A sign-in that is under way belongs to no user; it expires within an hour.
    server.advance(2 * 3_600_000);
    expect([...partitions, staged].filter((pk) => pk !== `oidc#${realm}` && server.table.hasPartitions(pk))).toEqual(
      [],
    );
    await expect(server.table.query({ pk: `oidc#${realm}`, limit: 10 })).resolves.toEqual({ items: [] });
    expect(await server.invitedPassword('bob@initech.example')).toBe('');
    await expect(signIn(options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
