import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defined } from '../../../core/defined.ts';
import {
  echo,
  type Fixture,
  PUBLIC_URL,
  startFixture,
  type TokenFacts,
  tenantRoute,
  tenantUser,
  tokenOf,
} from './fixture.ts';

const ACME = 'acme00001';

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

describe('the gateway', () => {
  let fixture: Fixture;
  let acme: string;

  beforeAll(async () => {
    fixture = await startFixture();
    await fixture.serve('products', echo);
    await fixture.servePlatform(echo);
    acme = await fixture.addTenant(tenantRoute(ACME));
  });
  afterAll(() => fixture.close());

  const call = (path: string, authorization?: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${fixture.url}${path}`, { ...init, headers: { ...init.headers, ...(authorization && { authorization }) } });

  async function expectResponse(response: Response, status: number, message: string): Promise<void> {
    expect({ status: response.status, body: await response.text() }).toEqual({
      status,
      body: JSON.stringify({ message }),
    });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  }

  test("RT-1: forwards a request to the tenant's service with the verified token", async () => {
    const response = await call('/api/v1/products/p1?x=1', acme, { headers: { 'x-request-id': 'my-request-1' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-request-id')).toBe('my-request-1');
    const { method, url, rawHeaders } = (await response.json()) as Echoed;
    expect({ method, url }).toEqual({ method: 'GET', url: '/v1/products/p1?x=1' });
    const headers = Object.fromEntries(rawHeaders.flatMap((name, i) => (i % 2 ? [] : [[name, rawHeaders[i + 1]]])));
    expect(headers).toMatchObject({
      authorization: acme,
      'x-request-id': 'my-request-1',
      'x-tierplane-tenant': ACME,
      'x-tierplane-tier': 'basic',
    });
  });

  const refused: readonly (readonly [string, () => Promise<string | undefined>])[] = [
    ['no token', async () => undefined],
    ['no bearer token', async () => `Basic ${btoa('a:b')}`],
    ['a malformed token', async () => 'Bearer a.b.c'],
    ['an API key', async () => `Bearer key-${ACME}`],
    ['a token of another key', () => bearer({ tenantId: ACME, forged: true })],
    ['a tampered token', async () => acme.replace(/\.[^.]+\./, `.${btoa('{"sub":"x"}').replaceAll('=', '')}.`)],
    ['an expired token', () => bearer({ tenantId: ACME, expiresAt: Math.floor(Date.now() / 1_000) - 1 })],
    ['a foreign issuer', () => bearer({ tenantId: ACME, claims: { iss: 'https://evil.example/realms/pool' } })],
    ['the wrong audience', () => bearer({ tenantId: ACME, claims: { aud: 'urn:other' } })],
    ['an ID token', () => bearer({ tenantId: ACME, claims: { token_use: 'id' } })],
    ['an unknown client', () => bearer({ tenantId: ACME, claims: { client_id: 'other' } })],
    ['an unknown user', () => bearer({ tenantId: ACME, subject: 'nobody' })],
    ["another tenant's realm", () => bearer({ tenantId: ACME, realm: 'tenant-globex0001' })],
  ];
  const bearer = async (facts: TokenFacts): Promise<string> => `Bearer ${await tokenOf(facts)}`;

  test.each(refused)('SE-1: responds to %s with 401', async (_what, make) => {
    await expectResponse(await call('/api/products', await make()), 401, 'Unauthorized');
  });

  test('SE-1: responds to a token of algorithm none with 401', async () => {
    const claims = acme.split('.')[1];
    const header = btoa('{"alg":"none","kid":"k1"}').replaceAll('=', '');
    await expectResponse(await call('/api/products', `Bearer ${header}.${claims}.x`), 401, 'Unauthorized');
  });

  test('ID-6: responds with 401 to a token that was issued before its user ended all sessions', async () => {
    const route = tenantRoute('signedout1');
    const tokensValidFrom = Math.floor(Date.now() / 1_000);
    await fixture.addTenant(route);
    fixture.subjects.set('pool signedout1-user', tenantUser(route, { tokensValidFrom }));
    const statusOf = async (claims: NonNullable<TokenFacts['claims']>) =>
      (await call('/api/products', await bearer({ tenantId: route.tenantId, claims }))).status;
    expect([
      await statusOf({ iat: tokensValidFrom - 1 }),
      await statusOf({}),
      await statusOf({ iat: tokensValidFrom }),
    ]).toEqual([401, 401, 200]);
  });

  test('responds to a disabled user with 401 as soon as the platform sends the change', async () => {
    const authorization = await fixture.addTenant(tenantRoute('disabled01'));
    expect((await call('/api/products', authorization)).status).toBe(200);
    const key = 'pool disabled01-user';
    const user = fixture.subjects.get(key);
    if (user) fixture.subjects.set(key, { ...user, enabled: false });
    await fixture.gateway.invalidate({ subject: 'disabled01-user' });
    await expectResponse(await call('/api/products', authorization), 401, 'Unauthorized');
  });

  test('responds to an admin, who has no tenant, with 403', async () => {
    const issuer = `${PUBLIC_URL}/realms/admin`;
    const root = { issuer, subject: 'root', realm: 'admin', userName: 'r', email: 'r', role: 'SystemAdmin' } as const;
    fixture.subjects.set('admin root', { ...root, enabled: true });
    const claims = { client_id: 'tierplane-admin' };
    await expectResponse(
      await call('/api/products', await bearer({ realm: 'admin', subject: 'root', claims })),
      403,
      'Forbidden',
    );
  });

  test.each([
    ['has no metering key', { apiKey: undefined }, 'Forbidden'],
    ['is suspended', { state: 'suspended' }, 'The tenant is suspended'],
    ['is still being provisioned', { state: 'provisioning' }, 'Forbidden'],
    ['is of another realm', { realm: 'tenant-x0000001' }, 'Forbidden'],
  ] as const)('responds to a tenant that %s with 403', async (_why, change, message) => {
    const authorization = await fixture.addTenant(tenantRoute('refused001'));
    fixture.routes.set('refused001', defined({ ...tenantRoute('refused001'), ...change }));
    await fixture.gateway.invalidate({ tenantId: 'refused001' });
    await expectResponse(await call('/api/products', authorization), 403, message);
  });

  test('SE-1: responds with 403 to a token whose tenant differs from the registry', async () => {
    const authorization = await bearer({ tenantId: 'globex0001', subject: `${ACME}-user` });
    await expectResponse(await call('/api/products', authorization), 403, 'Forbidden');
  });

  test('responds to a tenant without a route with 403', async () => {
    const authorization = await fixture.addTenant(tenantRoute('routeless1'));
    fixture.routes.delete('routeless1');
    await expectResponse(await call('/api/products', authorization), 403, 'Forbidden');
  });

  test.each(['/api', '/api/', '/api/nothing', '/api/v2/products', '/api/Products', '/api/__proto__'])(
    'responds to an unknown service with 404: %s',
    async (path) => expectResponse(await call(path, acme), 404, 'Not Found'),
  );

  test('responds with 503 if the service has no healthy task', async () => {
    const response = await call('/api/orders', acme);
    expect(response.headers.get('retry-after')).toBe('1');
    await expectResponse(response, 503, 'Service Unavailable');
  });

  test('never sends a silo tenant to pooled tasks', async () => {
    const authorization = await fixture.addTenant(tenantRoute('advanced01', 'advanced'));
    await expectResponse(await call('/api/products', authorization), 503, 'Service Unavailable');
  });

  test('forwards everything else to the platform, without authorization, with the address of the client', async () => {
    const init = { method: 'POST', body: 'a=b', headers: { cookie: 's=1', 'x-forwarded-for': '6.6.6.6' } };
    const response = await call('/realms/pool/token?x=1', 'Basic abc', init);
    const { method, url, rawHeaders, body } = (await response.json()) as Echoed;
    expect({ method, url, body }).toEqual({ method: 'POST', url: '/realms/pool/token?x=1', body: 'a=b' });
    const headers = Object.fromEntries(rawHeaders.flatMap((name, i) => (i % 2 ? [] : [[name, rawHeaders[i + 1]]])));
    expect(headers).toMatchObject({
      authorization: 'Basic abc',
      cookie: 's=1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'saas.example',
    });
  });

  test.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'])(
    'SE-1: the platform receives nothing that a client writes into %s',
    async (name) => {
      const response = await call('/mailbox', '', { headers: { [name]: 'evil.example' } });
      const { rawHeaders } = (await response.json()) as Echoed;
      expect(rawHeaders.join()).not.toContain('evil');
      expect(rawHeaders.filter((_, i) => rawHeaders[i - 1] === 'x-forwarded-for')).toEqual(['127.0.0.1']);
    },
  );

  test('responds to HEAD without a body, and keeps the connection', async () => {
    const response = await call('/api/products', acme, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect((await call('/api/nothing', acme, { method: 'HEAD' })).status).toBe(404);
  });

  test('says how long a client may keep the connection, unless it closes', async () => {
    const headersOf = async (path: string, connection: string) => {
      const request = get(`${fixture.url}${path}`, { headers: { connection, authorization: acme } });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      return response.headers;
    };
    for (const path of ['/api/products', '/api/nothing', '/healthz', '/tenants']) {
      const kept = await headersOf(path, 'keep-alive');
      expect(kept).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=65' });
      const closed = await headersOf(path, 'close');
      expect(closed).toMatchObject({ connection: 'close' });
      expect(closed).not.toHaveProperty('keep-alive');
    }
  });

  test('OB-1: logs one line of JSON for each request, without query or token', async () => {
    const own = await startFixture();
    try {
      await own.serve('products', echo);
      const authorization = await own.addTenant(tenantRoute('logged0001'));
      const headers = { authorization, 'x-request-id': 'log-request-1' };
      await (await fetch(`${own.url}/api/products?secret=hush`, { headers })).text();
      await (await fetch(`${own.url}/realms/pool?code=hush`)).text();
      const [first, second, ...more] = await own.accessLog(2);
      expect(more).toEqual([]);
      expect(first).toMatchObject({
        level: 'info',
        requestId: 'log-request-1',
        method: 'GET',
        path: '/api/products',
        status: 200,
        tenantId: 'logged0001',
        tier: 'basic',
        service: 'products',
      });
      expect(first?.bytes).toBeGreaterThan(100);
      expect(second).toMatchObject({ level: 'error', path: '/realms/pool', status: 503 });
      expect(JSON.stringify([first, second])).not.toMatch(/hush|Bearer|eyJ|key-/);
    } finally {
      await own.close();
    }
  });
});

describe('health and readiness', () => {
  test('healthz needs the gateway only; readyz needs the platform and a task of each pooled service', async () => {
    const fixture = await startFixture();
    try {
      const ready = async (): Promise<object> => {
        const response = await fetch(`${fixture.url}/readyz`);
        return { ...((await response.json()) as object), status: response.status };
      };
      expect((await fetch(`${fixture.url}/healthz`)).status).toBe(200);
      expect(await ready()).toMatchObject({ status: 503, platform: false, pool: false });
      await fixture.servePlatform((_request, response) => response.end('{}'));
      expect(await ready()).toMatchObject({ status: 503, platform: true, pool: false });
      for (const service of ['orders', 'products', 'users']) await fixture.serve(service, echo);
      expect(await ready()).toMatchObject({ status: 200, platform: true, pool: true });
    } finally {
      await fixture.close();
    }
  });

  test('while the platform is unavailable, browsers get a page that reloads itself and other clients get JSON', async () => {
    const fixture = await startFixture();
    try {
      const page = await fetch(fixture.url, { headers: { accept: 'text/html,*/*' } });
      expect(page.status).toBe(503);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await page.text()).toContain('tries again');
      const json = await fetch(`${fixture.url}/control-plane/tenants`);
      expect([json.status, await json.text()]).toEqual([503, '{"message":"Service Unavailable"}']);
    } finally {
      await fixture.close();
    }
  });
});
