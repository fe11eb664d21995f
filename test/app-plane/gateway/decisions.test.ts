import { describe, expect, test } from '@jest/globals';
import { accessLine } from '../../../app-plane/gateway/access-log.ts';
import { parseConfig } from '../../../app-plane/gateway/config.ts';
import { requestHeaders } from '../../../app-plane/gateway/headers.ts';
import { Meter } from '../../../app-plane/gateway/meter.ts';
import { cachedRegistry, type Registry } from '../../../app-plane/gateway/registry.ts';
import { parseTarget } from '../../../app-plane/gateway/target.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { noonClock, PUBLIC_URL, tenantRoute, tenantUser } from './fixture.ts';

describe('the target of a request line', () => {
  test.each([
    ['/api/products', 'products', '/products'],
    ['/api/products?limit=5', 'products', '/products?limit=5'],
    ['/api/v1/orders/o1?x=/y', 'orders', '/v1/orders/o1?x=/y'],
    ['/api/products/a.b/%20c', 'products', '/products/a.b/%20c'],
    ['http://any.example/api/products', 'products', '/products'],
    ['/api', '', ''],
    ['/api/', '', '/'],
    ['/api/v1/', '', '/v1/'],
    ['/api/v2/orders', 'v2', '/v2/orders'],
  ])('%s is a request for service "%s" at %s', (url, service, path) => {
    expect(parseTarget(url)).toEqual({ kind: 'api', service, path });
  });

  test.each([
    '/',
    '/control-plane/tenants?limit=1',
    '/realms/pool/auth',
    '/mailbox',
    '/apis',
    '/API/products',
    '//api',
  ])('%s is for the platform, unchanged', (url) => expect(parseTarget(url)).toEqual({ kind: 'platform', path: url }));

  test.each([
    '/api/products/../orders',
    '/api/products/%2e%2E/orders',
    '/api/products/..%2forders',
    '/api/products%2F%2e%2e/orders',
    '/realms/pool/users/.%2Fx',
    '/api/..',
    '/control-plane/./tenants',
    '/api\\products',
    '/api/%5cproducts',
    '/realms/%00',
    '*',
    'products',
    'ftp://x/api',
    '',
  ])('SE-1: %s is refused, because two servers could read it differently', (url) => {
    expect(parseTarget(url)).toEqual({ kind: 'malformed' });
  });

  test('dots and percent signs in a query are not examined', () => {
    expect(parseTarget('/realms/pool/auth?redirect_uri=https://a/../b%2e%2e').kind).toBe('platform');
  });
});

describe('headers', () => {
  const incoming = (...rawHeaders: string[]) => ({ rawHeaders, headers: {} });

  test('pass with their spelling and duplicates, unless they are internal', () => {
    const passed = ['Accept', 'a', 'accept', 'b', 'X-Custom', '1', 'if-match', '"e"'];
    expect(requestHeaders(incoming(...passed), 'service')).toEqual(passed);
  });

  test('that Connection names are dropped, except Content-Type', () => {
    const headers = { connection: 'close, X-Once, Content-Type' };
    const rawHeaders = ['connection', headers.connection, 'x-once', '1', 'content-type', 'a/b', 'x-twice', '2'];
    expect(requestHeaders({ rawHeaders, headers }, 'service')).toEqual(['content-type', 'a/b', 'x-twice', '2']);
  });

  test('that frame the body are dropped, because the gateway frames it again', () => {
    const rawHeaders = ['Content-Length', '3', 'transfer-encoding', 'chunked', 'accept', '*/*'];
    expect(requestHeaders({ rawHeaders, headers: {} }, 'service')).toEqual(['accept', '*/*']);
  });

  test('cookies and API keys reach the platform but no service', () => {
    const own = ['cookie', 'session=1', 'x-api-key', 'k'];
    expect(requestHeaders(incoming(...own), 'service')).toEqual([]);
    expect(requestHeaders(incoming(...own), 'platform')).toEqual(own);
  });
});

describe('the meter', () => {
  const plan = { rate: 10, burst: 10, quotaPerDay: 1_000 };

  test('RT-2: a throttled request does not count against the quota; a refusal for an exhausted quota has the seconds until the day ends', () => {
    const clock = noonClock();
    const meter = new Meter({ clock });
    const few = { rate: 10, burst: 10, quotaPerDay: 12 };
    const outcomes = Array.from({ length: 30 }, () => meter.admit('key', few).outcome);
    expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === 'throttled')).toHaveLength(20);
    clock.advance(1_000);
    expect([1, 2, 3].map(() => meter.admit('key', few).outcome)).toEqual(['admitted', 'admitted', 'exhausted']);
    expect(meter.admit('key', few)).toEqual({ outcome: 'exhausted', retryAfter: 43_199 });
  });

  test('RT-2: admits within 3 % of the plan over ten minutes at twice the rate, and does not affect another tenant', () => {
    const clock = noonClock();
    const meter = new Meter({ clock });
    const long = { ...plan, quotaPerDay: 1e9 };
    let admitted = 0;
    let refusedOther = 0;
    for (let ms = 0; ms < 600_000; ms += 50) {
      clock.advance(50);
      if (meter.admit('busy', long).outcome === 'admitted') admitted += 1;
      if (ms % 200 === 0 && meter.admit('other', long).outcome !== 'admitted') refusedOther += 1;
    }
    expect(admitted).toBeGreaterThan(6_010 * 0.97);
    expect(admitted).toBeLessThan(6_010 * 1.03);
    expect(refusedOther).toBe(0);
  });

  test('removes idle buckets only when they are full, so that no tenant gains tokens by it', () => {
    const clock = noonClock();
    const meter = new Meter({ clock, maxBuckets: 3 });
    for (let call = 0; call < 10; call++) meter.admit('busy', plan);
    for (const key of ['a', 'b', 'c', 'd']) meter.admit(key, plan);
    expect(meter.size).toBe(5);
    expect(meter.admit('busy', plan).outcome).toBe('throttled');
    for (let second = 0; second < 2; second++) {
      clock.advance(1_000);
      for (let call = 0; call < 11; call++) meter.admit('busy', plan);
    }
    meter.admit('e', plan);
    expect(meter.size).toBe(2);
    expect(meter.admit('busy', plan).outcome).toBe('throttled');
  });
});

describe('the cached registry', () => {
  function counted(): { reads: number; source: Registry; route: ReturnType<typeof tenantRoute> | undefined } {
    const route = tenantRoute('acme00001');
    const state = {
      reads: 0,
      route: route as typeof route | undefined,
      source: {
        subject: async () => {
          state.reads += 1;
          return tenantUser(route);
        },
        route: async () => state.route,
      },
    };
    return state;
  }

  test('reads again after its time to live and after an invalidation, and not before', async () => {
    const clock = noonClock();
    const state = counted();
    const registry = cachedRegistry(state.source, { clock, ttlMs: 2_000 });
    await registry.lookup('pool', 's');
    expect(registry.lookup('pool', 's')).toMatchObject({ route: { tenantId: 'acme00001' } });
    expect(state.reads).toBe(1);
    clock.advance(2_000);
    await registry.lookup('pool', 's');
    expect(state.reads).toBe(2);
    for (const changed of [{ tenantId: 'acme00001' }, { subject: 's' }, {}]) {
      registry.invalidate(changed);
      expect(registry.lookup('pool', 's')).toBeInstanceOf(Promise);
      await registry.lookup('pool', 's');
    }
    registry.invalidate({ tenantId: 'acme000011', subject: 's1' });
    expect(registry.lookup('pool', 's')).not.toBeInstanceOf(Promise);
  });

  test('reads again after its time to live, although the date is set back meanwhile', async () => {
    const clock = noonClock();
    const state = counted();
    const registry = cachedRegistry(state.source, { clock, ttlMs: 2_000 });
    await registry.lookup('pool', 's');
    clock.setDate(-7_200_000);
    clock.advance(2_000);
    await registry.lookup('pool', 's');
    expect(state.reads).toBe(2);
  });

  test('caches neither an unknown user or route nor what it read before an invalidation', async () => {
    const clock = noonClock();
    const state = counted();
    const registry = cachedRegistry(state.source, { clock });
    const reading = registry.lookup('pool', 's');
    registry.invalidate({ subject: 's' });
    await reading;
    expect(registry.lookup('pool', 's')).toBeInstanceOf(Promise);
    state.route = undefined;
    registry.invalidate({});
    expect(await registry.lookup('pool', 's')).not.toHaveProperty('route');
    state.route = tenantRoute('acme00001');
    expect(await registry.lookup('pool', 's')).toHaveProperty('route');
  });

  test("SE-1: never uses one realm's subject for another realm", async () => {
    const registry = cachedRegistry(counted().source, { clock: noonClock() });
    await registry.lookup('pool', 's');
    expect(registry.lookup('tenant-acme00001', 's')).toBeInstanceOf(Promise);
  });
});

describe('the access log', () => {
  test('is JSON whatever the path contains, and has no query', () => {
    const exchange = {
      requestId: 'r',
      clientAddress: '2001:db8::7',
      startedAt: 1_000,
      route: undefined,
      service: undefined,
      bytes: 3,
      request: { method: 'GET', url: '/a"\\\u0001é?secret' },
      response: { headersSent: true, statusCode: 200 },
    };
    expect(JSON.parse(accessLine(exchange, 1_001.26, 0))).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      requestId: 'r',
      client: '2001:db8::7',
      method: 'GET',
      path: '/a"\\\u0001é',
      status: 200,
      ms: 1.3,
      bytes: 3,
    });
  });
});

describe('the configuration', () => {
  const good = {
    host: '127.0.0.1',
    port: 0,
    platformSocket: '/p',
    registryFile: '/r',
    quotaFile: '/q',
    tiers: TIERS,
    accessLog: '/a',
  };

  test('keeps only the usage plans of the tier table', () => {
    const config = parseConfig(JSON.stringify({ ...good, publicUrl: PUBLIC_URL, limits: { connections: 2 } }));
    expect(config.tiers.basic).toEqual({ usagePlan: TIERS.basic.usagePlan });
  });

  test('lists every error with its path, and refuses unknown keys', () => {
    const bad = { ...good, port: 70_000, publicUrl: 'ftp://x', limits: { connections: 0 }, extra: 1 };
    expect(() => parseConfig(JSON.stringify(bad))).toThrow(/port:.*publicUrl:.*limits\.connections:.*"extra"/s);
    expect(() => parseConfig('{')).toThrow('must be JSON');
  });
});
