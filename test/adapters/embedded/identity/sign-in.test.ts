import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { refresh, type SignInOptions, signIn, type Tokens } from '../../../../cli/oidc-client.ts';
import { userKey } from '../../../../core/identity/users/user-records.ts';
import { ACME, GLOBEX, INITECH, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const CLIENT = 'tierplane-cli';
let server: RealmServer;
let made = 0;

beforeAll(async () => {
  server = await startRealmServer();
});
afterAll(async () => server?.close());

/** A user of acme with a chosen password; each test has its own, so that none waits for another's tries. */
async function newUser(role = 'TenantUser', tenantId = ACME): Promise<string> {
  made += 1;
  const userName = `user${made}@acme.example`;
  await server.identity.createUser('pool', { userName, email: userName, role, tenantId, password: PASSWORD });
  return userName;
}

function enter(userName: string, password = PASSWORD, more: Partial<SignInOptions> = {}): Promise<Tokens> {
  return signIn({ issuer: server.issuer('pool'), clientId: CLIENT, userName, password, ...more });
}

function renew(refreshToken: string | undefined): Promise<Tokens> {
  return refresh({ issuer: server.issuer('pool'), clientId: CLIENT, refreshToken: refreshToken ?? '' });
}

describe('sign-in', () => {
  test('ID-1: gives a tenant`s user an access token that carries what the registry says', async () => {
    const userName = await newUser('TenantAdmin');
    const tokens = await enter(userName);
    expect(decodeProtectedHeader(tokens.accessToken)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({
      iss: server.issuer('pool'),
      aud: 'urn:tierplane:api',
      client_id: CLIENT,
      token_use: 'access',
      tenantId: ACME,
      tier: 'basic',
      role: 'TenantAdmin',
      email: userName,
    });
    expect(tokens.expiresIn).toBe(600);
    expect(decodeJwt(tokens.idToken)).toMatchObject({ aud: CLIENT, token_use: 'id', tenantId: ACME });
    await expect(server.realms.authorize(`Bearer ${tokens.accessToken}`)).resolves.toMatchObject({
      realm: 'pool',
      tenantId: ACME,
      tier: 'basic',
      role: 'TenantAdmin',
    });
  });

  test('reads the tier anew at every issue', async () => {
    const userName = await newUser('TenantUser', GLOBEX);
    const first = await enter(userName);
    expect(decodeJwt(first.accessToken).tier).toBe('advanced');
    server.tenants.set(GLOBEX, { tier: 'premium', active: true });
    const second = await renew(first.refreshToken);
    expect(decodeJwt(second.accessToken).tier).toBe('premium');
    server.tenants.set(GLOBEX, { tier: 'advanced', active: true });
  });

  test('gives an admin the scopes of SBT and no tenant', async () => {
    await server.identity.createUser('admin', {
      userName: 'root',
      email: 'root@tierplane.example',
      role: 'SystemAdmin',
      password: 'Correct-horse-77',
    });
    for (const userName of ['root', 'ROOT@tierplane.example']) {
      const tokens = await signIn({
        issuer: server.issuer('admin'),
        clientId: CLIENT,
        userName,
        password: 'Correct-horse-77',
        scope: 'openid tenant/tenant_read tenant/tenant_write',
      });
      const claims = decodeJwt(tokens.accessToken);
      expect(claims).toMatchObject({ role: 'SystemAdmin', username: 'root' });
      expect(String(claims.scope).split(' ').sort()).toEqual(['openid', 'tenant/tenant_read', 'tenant/tenant_write']);
      expect(claims).not.toHaveProperty('tenantId');
    }
  });

  test('lets a configured client of the admin realm in, and no tenant`s realm knows it', async () => {
    const options = {
      clientId: 'sbt-admin',
      redirectUri: 'http://localhost:4200/dashboard',
      userName: 'root',
      password: 'Correct-horse-77',
      scope: 'openid tenant/tenant_read',
    };
    const tokens = await signIn({ ...options, issuer: server.issuer('admin') });
    await expect(server.realms.authorize(`Bearer ${tokens.accessToken}`)).resolves.toMatchObject({ realm: 'admin' });
    await expect(signIn({ ...options, issuer: server.issuer('pool') })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('ID-1: an invited user must choose a password, and the temporary one is then dead', async () => {
    const email = 'invited@acme.example';
    await server.identity.createUser('pool', {
      userName: email,
      email,
      role: 'TenantAdmin',
      tenantId: ACME,
      invitation: { tenantName: 'acme', link: server.url },
    });
    const temporary = await server.invitedPassword(email);
    expect(temporary).toMatch(/^[0-9a-z]{6}(-[0-9a-z]{6}){3}-[0-9a-z]{2}$/);

    await expect(enter(email, temporary)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(enter(email, temporary, { newPassword: 'weak' })).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('at least 8 characters'),
    });
    const tokens = await enter(email, temporary, { newPassword: 'Chosen-by-me-1' });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ role: 'TenantAdmin', tenantId: ACME });
    await expect(enter(email, temporary)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await enter(email, 'Chosen-by-me-1');
    expect((await server.identity.user('pool', email))?.status).toBe('CONFIRMED');
  });

  test('a temporary password is good for seven days', async () => {
    const email = 'late@initech.example';
    const realm = `tenant-${INITECH}` as const;
    await server.identity.createUser(realm, { userName: email, email, role: 'TenantUser', tenantId: INITECH });
    const password = await server.invitedPassword(email);
    server.advance(7 * 86_400_000 + 1_000);
    await expect(
      signIn({ issuer: server.issuer(realm), clientId: CLIENT, userName: email, password, newPassword: PASSWORD }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('expired') });
    server.advance(-7 * 86_400_000 - 1_000);
  });

  test('an admin`s password needs twelve characters', async () => {
    await expect(
      server.identity.createUser('admin', {
        userName: 'short',
        email: 'short@tierplane.example',
        role: 'SystemAdmin',
        password: 'Short-pw-11',
      }),
    ).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('at least 12') });
  });

  test('a wrong password and an unknown user get the same answer', async () => {
    const userName = await newUser();
    const wrong = await enter(userName, 'Wrong-horse-7').catch((error) => error);
    const unknown = await enter('nobody@nowhere.example', 'Wrong-horse-7').catch((error) => error);
    expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED', message: 'User name or password is wrong.' });
    expect([unknown.code, unknown.message]).toEqual([wrong.code, wrong.message]);
  });

  test('a user of one realm is nobody in another', async () => {
    const userName = await newUser();
    await expect(
      signIn({ issuer: server.issuer(`tenant-${INITECH}`), clientId: CLIENT, userName, password: PASSWORD }),
    ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('after eight wrong tries even the right password has to wait five minutes', async () => {
    const userName = await newUser();
    for (let i = 0; i < 8; i++) {
      await expect(enter(userName, `Wrong-horse-${i}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    await expect(enter(userName)).rejects.toMatchObject({ code: 'TOO_MANY' });
    await enter(await newUser());
    server.advance(5 * 60_000 + 1);
    await enter(userName);
  });
});

describe('whoever may not have tokens', () => {
  test('a disabled user gets none, also not by refresh', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    await server.identity.setUserEnabled('pool', userName, false);
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('disabled'),
    });
    await expect(enter(userName, 'Wrong-horse-7')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await server.identity.setUserEnabled('pool', userName, true);
    await enter(userName);
  });

  test('a deleted user gets none, and is nobody to those who hold the old refresh token', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    await server.identity.deleteUser('pool', userName);
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('ON-7: users of a tenant that is not active get none', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    server.tenants.set(ACME, { tier: 'basic', active: false });
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    server.tenants.set(ACME, { tier: 'basic', active: true, name: 'acme' });
    await enter(userName);
  });
});

describe('refresh tokens', () => {
  test('ID-6: rotate, and one that is used twice ends the whole family', async () => {
    const first = await enter(await newUser());
    const second = await renew(first.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    await expect(renew(first.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(renew(second.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('of two that come at once one wins', async () => {
    const { refreshToken } = await enter(await newUser());
    const results = await Promise.allSettled([renew(refreshToken), renew(refreshToken), renew(refreshToken)]);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  });

  test('end when the password changes', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    await server.identity.setPassword('pool', userName, 'Another-horse-8');
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await enter(userName, 'Another-horse-8');
  });

  test('end when they are revoked', async () => {
    const { refreshToken = '' } = await enter(await newUser());
    const body = new URLSearchParams({ token: refreshToken, client_id: CLIENT });
    const response = await fetch(`${server.issuer('pool')}/token/revocation`, { method: 'POST', body });
    expect(response.status).toBe(200);
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('secrets', () => {
  test('the invitation is in the mailbox and its file, which only its owner reads; no log has a password or token', async () => {
    const email = 'secret@acme.example';
    await server.identity.createUser('pool', { userName: email, email, role: 'TenantUser', tenantId: ACME });
    const temporary = await server.invitedPassword(email);
    const tokens = await enter(email, temporary, { newPassword: 'Chosen-by-me-2' });
    await enter(email, 'Wrong-secret-3').catch(() => undefined);
    await expect(readFile(server.mailFile, 'utf8')).resolves.toContain(temporary);
    expect((await stat(server.mailFile)).mode & 0o777).toBe(0o600);
    const logs = server.logged.join('\n');
    expect(logs).toContain('sign-in');
    for (const secret of [temporary, 'Chosen-by-me-2', 'Wrong-secret-3', ...tokenParts(tokens)]) {
      expect(logs).not.toContain(secret);
    }
  });

  test('what is stored of a chosen password is a salted hash', async () => {
    const userName = await newUser();
    const stored = await server.table.get(userKey('pool', userName));
    expect(stored?.data.secret).toMatchObject({ kind: 'scrypt', logN: 15 });
    expect(JSON.stringify(stored)).not.toContain(PASSWORD);
  });
});

function tokenParts({ accessToken, idToken, refreshToken = '' }: Tokens): string[] {
  return [accessToken, idToken].flatMap((token) => token.split('.').slice(1)).concat(refreshToken);
}
