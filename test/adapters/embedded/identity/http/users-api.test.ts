import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../../../../../cli/oidc-client.ts';
import { subjectKey } from '../../../../../core/routing/registry.ts';
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

/** Makes a user and signs in. */
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
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('the users of a tenant', () => {
  test('ID-2: are managed by its TenantAdmin: created by invitation, listed, changed, disabled, deleted', async () => {
    const created = await call('POST', '', admin, { email: 'new@acme.example', role: 'TenantUser' });
    expect(created).toMatchObject({
      status: 201,
      body: { userName: 'new@acme.example', role: 'TenantUser', enabled: true, status: 'FORCE_CHANGE_PASSWORD' },
    });
    expect(await server.invitedPassword('new@acme.example')).not.toBe('');
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

  test('are paged without loss or repeat', async () => {
    const names: string[] = [];
    let after = '';
    do {
      const page = await call('GET', `?limit=1&next_token=${encodeURIComponent(after)}`, admin);
      names.push(...page.body.data.map(({ userName }: { userName: string }) => userName));
      after = page.body.next_token;
    } while (after !== '');
    expect(names).toEqual(['boss@acme.example', 'member@acme.example']);
  });

  test('ID-2: are nobody else`s: 403 for a TenantUser, 404 for another tenant`s user, 401 without a token', async () => {
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

  test('SE-1.15: cannot be given another tenant or tier, nor a role of the platform', async () => {
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

  test('SE-1.1: cannot change themselves: the realm has no such endpoint', async () => {
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

  test('always keep one enabled TenantAdmin, also when two go for each other', async () => {
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

  test('ID-4: lose their rights at once, whatever their token says', async () => {
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

  test('ON-7: are left alone while their tenant is not active, so that nobody joins one that is being removed', async () => {
    const acme = server.tenants.get(ACME);
    server.tenants.set(ACME, { tier: 'basic', active: false });
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
      if (acme) server.tenants.set(ACME, acme);
    }
    expect(await server.identity.user('pool', 'late@acme.example')).toBeUndefined();
    expect((await server.identity.user('pool', 'member@acme.example'))?.enabled).toBe(true);
  });

  test('ID-2: are no business of a role that is neither TenantAdmin nor TenantUser', async () => {
    const probe = await newUser('probe@acme.example', 'Probe', ACME);
    expect((await call('GET', '', probe)).status).toBe(403);
    expect((await call('PATCH', '/probe%40acme.example', probe, { role: 'TenantAdmin' })).status).toBe(403);
    await server.identity.deleteUser('pool', 'probe@acme.example');
  });

  test('refuses a taken email, broken JSON, oversized bodies and unknown methods', async () => {
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
  test('takes the access token and answers from the registry', async () => {
    const ask = async (token: string) => {
      const response = await fetch(`${server.issuer('pool')}/me`, { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, body: await response.json() };
    };
    expect(await ask(await tokenOf('member@acme.example'))).toMatchObject({
      status: 200,
      body: { email: 'member@acme.example', role: 'TenantUser', tenantId: ACME, tier: 'basic' },
    });
    expect((await ask('a.b.c')).status).toBe(401);
    const token = await newUser('left@acme.example', 'TenantUser', ACME);
    expect((await ask(token)).status).toBe(200);
    await server.identity.setUserEnabled('pool', 'left@acme.example', false);
    expect((await ask(token)).status).toBe(401);
  });
});
