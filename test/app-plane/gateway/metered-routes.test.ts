import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROUTES, type RouteLimit } from '../../../app-plane/gateway/routes.ts';
import type { Target } from '../../../app-plane/gateway/target.ts';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import { USERS_OPERATIONS } from '../../../core/identity/users-api/users-operations.ts';
import { until } from '../../support/until.ts';
import { type Fixture, rawExchange, serveOn, startFixture, tenantRoute, tokenOf } from './fixture.ts';

interface Sample {
  readonly method: string;
  readonly path: string;
}

const get = (path: string): Sample => ({ method: 'GET', path });
const below = (base: string, operations: readonly Sample[]): Sample[] =>
  operations.map(({ method, path }) => ({ method, path: `${base}${path.replaceAll(/\{\w+\}/g, 'some-id')}` }));

/** Requests of every route of the gateway, and of every declared operation behind it. A new route has no samples. */
const SAMPLES: Record<Target['kind'], readonly Sample[]> = {
  api: [...['', '/v1/products', '/products/p1?x=1', '/orders', '/users'].map((path) => get(`/api${path}`))],
  platform: [
    ...below('/realms/pool', USERS_OPERATIONS),
    ...below('/control-plane', createOperations(LOCAL_OPERATIONS)),
    get('/realms/pool/me'),
    get('/realms/pool/auth?client_id=tierplane-app'),
    { method: 'POST', path: '/realms/pool/token' },
    get('/realms/pool/users?limit=100'),
    get('/realms/pool/%75sers'),
    get('//realms/pool/users'),
    get('/Realms/pool/users'),
    get('http://other.example/realms/pool/users'),
    get('/realms/another/users'),
    get('/'),
    get('/mailbox.json'),
    get('/apis'),
    get('/a-path-of-tomorrow'),
  ],
  healthz: [get('/healthz'), get('/healthz?x')],
  readyz: [get('/readyz')],
  malformed: [get('/realms/../api/products'), get('*')],
  'too-long': [get(`/${'x'.repeat(3_000)}`)],
};

const PLAN = { rate: 1, burst: 1, quotaPerDay: 1_000_000 };

let fixture: Fixture;
let authorization: string;
let reached = 0;

beforeAll(async () => {
  fixture = await startFixture({ plans: { basic: PLAN, premium: PLAN } });
  for (const service of ['products', 'orders', 'users']) {
    await fixture.serve(service, (_request, response) => {
      reached += 1;
      response.end();
    });
  }
  await fixture.servePlatform((request, response) => {
    if (request.url !== '/readyz') reached += 1;
    response.end();
  });
  authorization = await fixture.addTenant(tenantRoute('acme00001'));
});
afterAll(() => fixture.close());

async function send({ method, path }: Sample, headers: readonly string[] = []): Promise<string> {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: saas.example', 'Content-Length: 0', ...headers];
  return rawExchange(fixture.port, [...lines, 'Connection: close', '', ''].join('\r\n'));
}

const statusOf = (response: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);

/** Statuses of requests with this token, one after another, with a full bucket before the first. */
async function statuses(count: number, sample: Sample, token: string, id = ''): Promise<number[]> {
  fixture.clock.advance(1_000);
  const found: number[] = [];
  const headers = [`Authorization: ${token}`, ...(id === '' ? [] : [`X-Request-Id: ${id}`])];
  for (let sent = 0; sent < count; sent++) found.push(statusOf(await send(sample, headers)));
  return found;
}

const cases = Object.entries(ROUTES).flatMap(([kind, limit]) =>
  SAMPLES[kind as Target['kind']].map((sample) => ({ kind, limit, ...sample })),
);
const limitedBy = (...limits: readonly RouteLimit[]) => cases.filter(({ limit }) => limits.includes(limit));

test('every route has a limit and samples', () => {
  expect(Object.keys(ROUTES).sort()).toEqual(Object.keys(SAMPLES).sort());
  expect(cases.length).toBeGreaterThan(40);
});

describe("RT-9: with a tenant's token,", () => {
  test.each(limitedBy('usage-plan', 'usage-plan-of-token'))(
    '$method $path counts against the usage plan ($kind: $limit)',
    async (sample) => {
      fixture.clock.advance(1_000);
      const headers = [`Authorization: ${authorization}`];
      // Uses up the bucket.
      expect(statusOf(await send(get('/api/products'), headers))).toBe(200);
      const before = reached;
      const refused = await send(sample, headers);
      // A service that does not exist is refused before the plan is asked, at no cost for anybody behind the gateway.
      expect([429, 404]).toContain(statusOf(refused));
      if (statusOf(refused) === 429) expect(refused).toMatch(/\r\nretry-after: 1\r\n/i);
      else expect(sample.path).toBe('/api');
      expect(reached).toBe(before);
      fixture.clock.advance(1_000);
      await send(sample, headers);
      expect(statusOf(await send(get('/api/products'), headers))).toBe(sample.path === '/api' ? 200 : 429);
    },
  );

  test.each(limitedBy('constant-work'))('$method $path reaches nothing behind the gateway ($kind)', async (sample) => {
    const before = reached;
    expect(await statuses(3, sample, authorization)).not.toContain(429);
    expect(reached).toBe(before);
  });

  test('the state of the tenant does not matter at the platform', async () => {
    for (const [index, state] of (['suspended', 'failed', 'deprovisioning'] as const).entries()) {
      const token = await fixture.addTenant(tenantRoute(`tenant000${index}`, 'basic', { state }));
      expect(await statuses(2, get('/realms/pool/users'), token)).toEqual([200, 429]);
    }
  });

  test('neither does the tier: a silo tenant shares the platform with others', async () => {
    const token = await fixture.addTenant(tenantRoute('initech001', 'premium'));
    expect(await statuses(2, get('/realms/tenant-initech001/users'), token)).toEqual([200, 429]);
  });

  test('the access log names the tenant of a request to the platform', async () => {
    const path = '/realms/pool/users/named-in-the-log';
    await statuses(1, get(path), authorization);
    const line = await until(async () => (await fixture.accessLog(1)).find((one) => one.path === path));
    expect(line).toMatchObject({ path, tenantId: 'acme00001' });
  });

  test('a body that is too long is refused before it counts', async () => {
    const headers = [`Authorization: ${authorization}`];
    fixture.clock.advance(1_000);
    const lines = ['POST /realms/pool/users HTTP/1.1', 'Host: a', ...headers, 'Content-Length: 99999999', ...['', '']];
    expect(statusOf(await rawExchange(fixture.port, lines.join('\r\n')))).toBe(413);
    expect(statusOf(await send(get('/realms/pool/users'), headers))).toBe(200);
  });
});

describe('RT-9: the usage plan does not limit', () => {
  const MANY = [200, 200, 200, 200];
  const users = get('/realms/pool/users');

  test('requests without a valid token, which the platform refuses itself', async () => {
    const forged = await tokenOf({ tenantId: 'acme00001', forged: true });
    for (const token of ['Bearer nonsense', 'Basic YTpi', `Bearer ${forged}`])
      expect(await statuses(4, users, token)).toEqual(MANY);
  });

  test('system users, who have no tenant', async () => {
    const claims = { client_id: 'tierplane-admin' };
    const token = `Bearer ${await tokenOf({ realm: 'admin', subject: 'root', claims })}`;
    expect(await statuses(4, get('/control-plane/tenants'), token)).toEqual(MANY);
  });

  test('users without a record', async () => {
    const token = `Bearer ${await tokenOf({ tenantId: 'acme00001', subject: 'deleted-user' })}`;
    expect(await statuses(4, users, token)).toEqual(MANY);
  });

  test('four calls of a service for a request in progress, but no fifth, none of another tenant, and none later', async () => {
    const other = await fixture.addTenant(tenantRoute('globex001'));
    const id = 'walk-through-1';
    const inner = async (token: string): Promise<number> =>
      statusOf(await send(users, [`Authorization: ${token}`, `X-Request-Id: ${id}`]));
    const seen: number[] = [];
    const serving = await serveOn(join(fixture.dir, 'inner.sock'), async (_request, response) => {
      const own = Array.from({ length: 5 }, () => authorization);
      for (const token of [other, other, ...own]) seen.push(await inner(token));
      response.end();
    });
    fixture.setEndpoints([{ cluster: 'pool', tenantId: null, service: 'users', sockets: [serving.socket] }]);
    try {
      expect(await statuses(1, get('/api/users'), authorization, id)).toEqual([200]);
      expect(seen).toEqual([200, 429, 200, 200, 200, 200, 429]);
      expect(await inner(authorization)).toBe(429);
    } finally {
      await serving.close();
    }
  });
});
