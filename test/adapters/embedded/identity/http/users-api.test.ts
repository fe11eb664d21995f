import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mismatchOf } from '../../../../../core/http/check-response.ts';
import { encodePageToken } from '../../../../../core/http/page-token.ts';
import { USERS_OPERATIONS } from '../../../../../core/identity/users-api/users-operations.ts';
import { subjectKey } from '../../../../../core/routing/registry.ts';
import { signIn } from '../../../../support/sign-in-by-page.ts';
import { ACME, GLOBEX, type RealmServer, startRealmServer } from '../realm-server.ts';

const PASSWORD = 'Correct-horse-7';
let server: RealmServer;
let admin: string;
let member: string;

beforeAll(async () => {
  server = await startRealmServer();
  admin = await newUser('boss@acme.example', 'TenantAdmin', ACME);
  member = await newUser('member@acme.example', 'TenantUser', ACME);
  await newUser('boss@globex.example', 'TenantAdmin', GLOBEX);
});
afterAll(async () => server?.close());

/** Creates a user, signs in and returns the access token. */
async function newUser(email: string, role: string, tenantId: string): Promise<string> {
  await server.identity.createUser('pool', { userName: email, email, role, tenantId, password: PASSWORD });
  return tokenOf(email);
}

async function tokenOf(userName: string): Promise<string> {
  const issuer = server.issuer('pool');
  const tokens = await signIn({ issuer, clientId: 'tierplane-cli', userName, password: PASSWORD });
  return tokens.accessToken;
}

async function call(method: string, path: string, token?: string, body?: unknown, realm = 'pool') {
  const response = await fetch(`${server.issuer(realm)}/users${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  const parsed = text === '' ? undefined : JSON.parse(text);
  const user = path.endsWith('/invitation') ? '/users/{userName}/invitation' : '/users/{userName}';
  const template = path === '' || path.startsWith('?') ? '/users' : user;
  const operation = USERS_OPERATIONS.find((one) => one.method === method && one.path === template);
  const headers = Object.fromEntries(response.headers);
  if (operation) expect(mismatchOf(operation, { status: response.status, headers, body: parsed })).toBeUndefined();
  return { status: response.status, body: parsed, retryAfter: headers['retry-after'] };
}

describe('the users API of a realm', () => {
  test('ID-2: a TenantAdmin invites, lists, changes, disables and deletes the users of the tenant', async () => {
    const created = await call('POST', '', admin, { email: 'new@acme.example', role: 'TenantUser' });
    expect(created).toMatchObject({
      status: 201,
      body: { userName: 'new@acme.example', role: 'TenantUser', enabled: true, status: 'FORCE_CHANGE_PASSWORD' },
    });
    const first = await server.invitedPassword('new@acme.example');
    const again = await call('POST', '/new%40acme.example/invitation', admin);
    expect(again).toEqual({ status: 200, body: { ...created.body, modified: expect.any(String) } });
    expect([first, '']).not.toContain(await server.invitedPassword('new@acme.example'));
    expect((await call('POST', '/member%40acme.example/invitation', admin)).status).toBe(409);
    expect((await call('GET', '/new%40acme.example/invitation', admin)).status).toBe(405);
    const list = await call('GET', '', admin);
    expect(list.body.data.map(({ userName }: { userName: string }) => userName)).toEqual([
      'boss@acme.example',
      'member@acme.example',
      'new@acme.example',
    ]);
    expect(list.body.next_token).toBe('');
    const changed = await call('PATCH', '/new%40acme.example', admin, { role: 'TenantAdmin', enabled: false });
    expect(changed).toMatchObject({ status: 200, body: { role: 'TenantAdmin', enabled: false } });
    expect(await call('GET', '/new%40acme.example', admin)).toMatchObject({ status: 200, body: { enabled: false } });
    expect((await call('DELETE', '/new%40acme.example', admin)).status).toBe(204);
    expect((await call('GET', '/new%40acme.example', admin)).status).toBe(404);
  });

  test('RT-9: ten invitations an hour reach an address; further ones are refused with Retry-After and change nothing', async () => {
    const email = 'often@acme.example';
    for (let invited = 0; invited < 10; invited++) {
      expect((await call('POST', '', admin, { email })).status).toBe(201);
      // A refusal for another reason takes no mail.
      if (invited < 9) expect((await call('POST', '', admin, { email })).status).toBe(409);
      expect((await call('DELETE', '/often%40acme.example', admin)).status).toBe(204);
    }
    const refused = await call('POST', '', admin, { email });
    expect(refused).toMatchObject({ status: 429, body: { message: expect.stringContaining('too many mails') } });
    expect(Number(refused.retryAfter)).toBeGreaterThan(300);
    expect((await call('GET', '/often%40acme.example', admin)).status).toBe(404);
    expect((await call('POST', '', admin, { email: 'seldom@acme.example' })).status).toBe(201);
    expect((await call('DELETE', '/seldom%40acme.example', admin)).status).toBe(204);
  });

  test('ID-2: users are listed in pages without loss or repetition', async () => {
    const names: string[] = [];
    let after = '';
    do {
      const page = await call('GET', `?limit=1&next_token=${encodeURIComponent(after)}`, admin);
      names.push(...page.body.data.map(({ userName }: { userName: string }) => userName));
      after = page.body.next_token;
    } while (after !== '');
    expect(names).toEqual(['boss@acme.example', 'member@acme.example']);
  });

  test('ID-2: a page token that the list did not return is refused with 400', async () => {
    for (const token of ['nope', 'boss%40acme.example', '%00', 'a'.repeat(600), encodePageToken('another list', 'a')]) {
      const response = await call('GET', `?next_token=${token}`, admin);
      expect(response).toMatchObject({ status: 400, body: { issues: [{ loc: ['query', 'next_token'] }] } });
    }
  });

  test("ID-2: a TenantUser gets 403, another tenant's user is 404, and a request without a token gets 401", async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['POST', ''],
      ['GET', '/member%40acme.example'],
      ['PATCH', '/member%40acme.example'],
      ['DELETE', '/member%40acme.example'],
    ] as const) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      expect((await call(method, path, member, body)).status).toBe(403);
      expect((await call(method, path, undefined, body)).status).toBe(401);
    }
    expect((await call('GET', '/boss%40globex.example', admin)).status).toBe(404);
    expect((await call('PATCH', '/boss%40globex.example', admin, { enabled: false })).status).toBe(404);
    expect((await call('DELETE', '/boss%40globex.example', admin)).status).toBe(404);
    expect((await call('GET', '', admin, undefined, 'admin')).status).toBe(401);
  });

  test('SE-1.15: a body cannot set a tenant, a tier or a role of the platform', async () => {
    const before = await server.identity.user('pool', 'member@acme.example');
    for (const body of [
      { tenantId: GLOBEX },
      { role: 'TenantUser', tenantId: GLOBEX },
      { tier: 'premium' },
      { role: 'SystemAdmin' },
      { 'custom:tenantId': GLOBEX },
      { subject: 'x' },
      { email: 'boss@globex.example' },
      {},
      [],
      null,
    ]) {
      expect((await call('PATCH', '/member%40acme.example', admin, body)).status).toBe(422);
    }
    const made = { email: 'x@acme.example', role: 'TenantUser' };
    for (const more of [{ tenantId: GLOBEX }, { role: 'SystemAdmin' }, { password: PASSWORD }, { email: 'no-email' }]) {
      expect((await call('POST', '', admin, { ...made, ...more })).status).toBe(422);
    }
    expect(await server.identity.user('pool', 'member@acme.example')).toEqual(before);
    expect(await server.identity.user('pool', 'x@acme.example')).toBeUndefined();
  });

  test('SE-1.1: users cannot change themselves: the realm has no endpoint for it', async () => {
    const headers = { authorization: `Bearer ${member}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ role: 'TenantAdmin', tenantId: GLOBEX, tier: 'premium' });
    for (const [path, status] of [
      ['/me', 404],
      ['/account', 404],
      ['/reg', 404],
      ['/users/member%40acme.example', 403],
    ] as const) {
      const response = await fetch(`${server.issuer('pool')}${path}`, { method: 'PATCH', headers, body });
      await response.text();
      expect(response.status).toBe(status);
    }
    const record = await server.identity.user('pool', 'member@acme.example');
    expect(record).toMatchObject({ role: 'TenantUser', tenantId: ACME });
  });

  test('ID-2: one enabled TenantAdmin always remains, also when two demote each other at the same moment', async () => {
    for (const body of [{ role: 'TenantUser' }, { enabled: false }]) {
      expect((await call('PATCH', '/boss%40acme.example', admin, body)).status).toBe(409);
    }
    expect((await call('DELETE', '/boss%40acme.example', admin)).status).toBe(409);
    const second = await newUser('second@acme.example', 'TenantAdmin', ACME);
    const [first, other] = await Promise.all([
      call('PATCH', '/second%40acme.example', admin, { role: 'TenantUser' }),
      call('PATCH', '/boss%40acme.example', second, { role: 'TenantUser' }),
    ]);
    // The later one is refused as the last administrator, or as an administrator no more.
    expect([
      [200, 403],
      [200, 409],
    ]).toContainEqual([first.status, other.status].sort());
    const { items } = await server.identity.users('pool', { tenantId: ACME, limit: 100 });
    expect(items.filter(({ role, enabled }) => role === 'TenantAdmin' && enabled)).toHaveLength(1);
    await server.identity.updateUser('pool', 'boss@acme.example', { role: 'TenantAdmin' });
  });

  test('ID-4: a demoted or disabled administrator loses the right at once, whatever the token claims', async () => {
    const token = await newUser('demoted@acme.example', 'TenantAdmin', ACME);
    expect((await call('GET', '', token)).status).toBe(200);
    await server.identity.updateUser('pool', 'demoted@acme.example', { role: 'TenantUser' });
    expect((await call('GET', '', token)).status).toBe(403);
    await server.identity.setUserEnabled('pool', 'demoted@acme.example', false);
    expect((await call('GET', '', token)).status).toBe(401);
    const record = await server.identity.user('pool', 'demoted@acme.example');
    const subject = await server.table.get(subjectKey('pool', record?.subject ?? ''));
    expect(subject?.data).toMatchObject({ role: 'TenantUser', enabled: false });
  });

  test('ON-7: nobody manages the users of a tenant that is not active, so that no user outlives it', async () => {
    server.changeTenant(ACME, { active: false });
    try {
      for (const [method, path] of [
        ['GET', ''],
        ['POST', ''],
        ['PATCH', '/member%40acme.example'],
        ['DELETE', '/member%40acme.example'],
      ] as const) {
        const body =
          method === 'POST' ? { email: 'late@acme.example' } : method === 'PATCH' ? { enabled: false } : undefined;
        expect((await call(method, path, admin, body)).status).toBe(403);
      }
    } finally {
      server.changeTenant(ACME, { active: true });
    }
    expect(await server.identity.user('pool', 'late@acme.example')).toBeUndefined();
    expect((await server.identity.user('pool', 'member@acme.example'))?.enabled).toBe(true);
  });

  test('ID-2: a role that is neither TenantAdmin nor TenantUser gets 403', async () => {
    const probe = await newUser('probe@acme.example', 'Probe', ACME);
    expect((await call('GET', '', probe)).status).toBe(403);
    expect((await call('PATCH', '/probe%40acme.example', probe, { role: 'TenantAdmin' })).status).toBe(403);
    await server.identity.deleteUser('pool', 'probe@acme.example');
  });

  test('SE-6: a taken email, broken JSON, an oversized body and an unknown method are refused', async () => {
    expect((await call('POST', '', admin, { email: 'BOSS@globex.example' })).status).toBe(409);
    expect((await call('PUT', '/member%40acme.example', admin, {})).status).toBe(405);
    expect((await call('GET', '?limit=0', admin)).status).toBe(422);
    expect((await call('GET', '/%00', admin)).status).toBe(404);
    expect((await call('POST', '', admin, { email: `${'x'.repeat(20_000)}@acme.example` })).status).toBe(413);
    for (const userName of ['.', '..', 'a/b', 'a\\b', 'a b', '\ud800', '']) {
      expect((await call('POST', '', admin, { email: 'odd@acme.example', userName })).status).toBe(422);
    }
    const long = { email: 'x'.repeat(3_000_000) };
    expect((await call('POST', '', admin, long)).status).toBe(413);
    const headers = { authorization: `Bearer ${admin}` };
    const broken = await fetch(`${server.issuer('pool')}/users`, { method: 'POST', headers, body: '{"email":' });
    expect(broken.status).toBe(422);
  });
});

describe('userinfo', () => {
  test('accepts the access token and responds with the stored user', async () => {
    const userInfo = async (token: string) => {
      const response = await fetch(`${server.issuer('pool')}/me`, { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, body: await response.json() };
    };
    expect(await userInfo(await tokenOf('member@acme.example'))).toMatchObject({
      status: 200,
      body: { email: 'member@acme.example', role: 'TenantUser', tenantId: ACME, tier: 'basic' },
    });
    expect((await userInfo('a.b.c')).status).toBe(401);
    const token = await newUser('left@acme.example', 'TenantUser', ACME);
    expect((await userInfo(token)).status).toBe(200);
    await server.identity.setUserEnabled('pool', 'left@acme.example', false);
    expect((await userInfo(token)).status).toBe(401);
  });
});
