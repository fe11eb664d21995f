import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { userKey } from '../../../../core/identity/users/user-records.ts';
import { refresh, type SignInOptions, signIn, type Tokens } from '../../../support/sign-in-by-page.ts';
import { ACME, GLOBEX, INITECH, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const CLIENT = 'tierplane-cli';
let server: RealmServer;

beforeAll(async () => {
  server = await startRealmServer();
});
afterAll(async () => server?.close());

/** Creates a user of acme with a chosen password. Each test has its own user, so failed attempts do not add up. */
function newUser(role = 'TenantUser', tenantId = ACME): Promise<string> {
  return server.newUser({ role, tenantId, password: PASSWORD });
}

function enter(userName: string, password = PASSWORD, more: Partial<SignInOptions> = {}): Promise<Tokens> {
  return signIn({ issuer: server.issuer('pool'), clientId: CLIENT, userName, password, ...more });
}

function renew(refreshToken: string | undefined): Promise<Tokens> {
  return refresh({ issuer: server.issuer('pool'), clientId: CLIENT, refreshToken: refreshToken ?? '' });
}

describe('sign-in', () => {
  test("ID-1: a tenant's user gets an access token with the claims of the records", async () => {
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

  test('each new token has the current tier', async () => {
    const userName = await newUser('TenantUser', GLOBEX);
    const first = await enter(userName);
    expect(decodeJwt(first.accessToken).tier).toBe('advanced');
    server.changeTenant(GLOBEX, { tier: 'premium' });
    const second = await renew(first.refreshToken);
    expect(decodeJwt(second.accessToken).tier).toBe('premium');
    server.changeTenant(GLOBEX, { tier: 'advanced' });
  });

  test('an admin gets the scopes of SBT and no tenant', async () => {
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

  test("a configured client can use the admin realm, and no tenant's realm", async () => {
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

  test('ID-1: an invited user must choose a password, which ends the temporary one', async () => {
    const email = 'invited@acme.example';
    await server.identity.createUser('pool', {
      userName: email,
      email,
      role: 'TenantAdmin',
      tenantId: ACME,
      invitation: { tenantName: 'Acme Inc.', slug: 'acme-inc' },
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

  test('ID-1: a temporary password is valid for seven days', async () => {
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

  test("ID-1: an admin's password must have twelve characters", async () => {
    await expect(
      server.identity.createUser('admin', {
        userName: 'short',
        email: 'short@tierplane.example',
        role: 'SystemAdmin',
        password: 'Short-pw-11',
      }),
    ).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('at least 12') });
  });

  test('a wrong password and an unknown user get the same response', async () => {
    const userName = await newUser();
    const wrong = await enter(userName, 'Wrong-horse-7').catch((error) => error);
    const unknown = await enter('nobody@nowhere.example', 'Wrong-horse-7').catch((error) => error);
    expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED', message: 'User name or password is wrong.' });
    expect([unknown.code, unknown.message]).toEqual([wrong.code, wrong.message]);
  });

  test('ID-1: a password of 256 characters is accepted, even if each takes two UTF-16 units', async () => {
    const userName = 'long@acme.example';
    const password = `Aa1!${'😀'.repeat(252)}`;
    const user = { userName, email: userName, role: 'TenantUser', tenantId: ACME, password };
    await server.identity.createUser('pool', user);
    expect(await enter(userName, password)).toHaveProperty('accessToken');
  });

  test('a user of one realm cannot sign in to another', async () => {
    const userName = await newUser();
    await expect(
      signIn({ issuer: server.issuer(`tenant-${INITECH}`), clientId: CLIENT, userName, password: PASSWORD }),
    ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('after eight failed attempts, the right password is refused for five minutes too', async () => {
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

describe('a user who cannot have tokens', () => {
  test('ID-3: a disabled user gets no tokens, not even with a refresh token', async () => {
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

  test('a deleted user gets no tokens, and an old refresh token is refused', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    await server.identity.deleteUser('pool', userName);
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('ON-7: the users of a tenant that is not active get no tokens', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    server.changeTenant(ACME, { active: false });
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    server.changeTenant(ACME, { active: true });
    await enter(userName);
  });
});

describe('refresh tokens', () => {
  test('ID-6: a refresh token rotates, and its second use ends all tokens of the sign-in', async () => {
    const first = await enter(await newUser());
    const second = await renew(first.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    await expect(renew(first.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(renew(second.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('ID-6: of three concurrent uses of a refresh token, at most one succeeds', async () => {
    const { refreshToken } = await enter(await newUser());
    const results = await Promise.allSettled([renew(refreshToken), renew(refreshToken), renew(refreshToken)]);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  });

  test('ID-6: refresh tokens end when the password changes', async () => {
    const userName = await newUser();
    const { refreshToken } = await enter(userName);
    await server.identity.setPassword('pool', userName, 'Another-horse-8');
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(enter(userName)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await enter(userName, 'Another-horse-8');
  });

  test('ID-6: refresh tokens end when they are revoked', async () => {
    const { refreshToken = '' } = await enter(await newUser());
    const body = new URLSearchParams({ token: refreshToken, client_id: CLIENT });
    const response = await fetch(`${server.issuer('pool')}/token/revocation`, { method: 'POST', body });
    expect(response.status).toBe(200);
    await expect(renew(refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('secrets', () => {
  test('OB-1: no log line has a password or token', async () => {
    const email = 'secret@acme.example';
    await server.identity.createUser('pool', { userName: email, email, role: 'TenantUser', tenantId: ACME });
    const temporary = await server.invitedPassword(email);
    const tokens = await enter(email, temporary, { newPassword: 'Chosen-by-me-2' });
    await enter(email, 'Wrong-secret-3').catch(() => undefined);
    const logs = server.logged.join('\n');
    expect(logs).toContain('sign-in');
    for (const secret of [temporary, 'Chosen-by-me-2', 'Wrong-secret-3', ...tokenParts(tokens)]) {
      expect(logs).not.toContain(secret);
    }
  });

  test('a chosen password is stored as a salted hash', async () => {
    const userName = await newUser();
    const stored = await server.table.get(userKey('pool', userName));
    expect(stored?.data.secret).toMatchObject({ kind: 'scrypt', logN: 15 });
    expect(JSON.stringify(stored)).not.toContain(PASSWORD);
  });
});

function tokenParts({ accessToken, idToken, refreshToken = '' }: Tokens): string[] {
  return [accessToken, idToken].flatMap((token) => token.split('.').slice(1)).concat(refreshToken);
}
