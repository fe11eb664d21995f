import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { echo, type Fixture, rawExchange, startFixture, tenantRoute } from './fixture.ts';

const request = (path: string, lines: readonly string[], version = '1.1'): string =>
  [`GET ${path} HTTP/${version}`, ...lines, 'Connection: close', '', ''].join('\r\n');

/** The `x-forwarded-for` that the platform received. */
function forwardedFor(response: string): string | undefined {
  const body = response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1);
  const { rawHeaders } = JSON.parse(body) as { rawHeaders: string[] };
  const index = rawHeaders.findIndex((name) => name.toLowerCase() === 'x-forwarded-for');
  return rawHeaders[index + 1];
}

describe.each([
  { proxies: undefined, sees: '127.0.0.1', why: 'no proxy is trusted' },
  { proxies: ['10.0.0.0/8'], sees: '127.0.0.1', why: 'another proxy is trusted' },
  { proxies: ['loopback'], sees: '203.0.113.9', why: 'this machine is a trusted proxy' },
])('RT-9: the gateway, if $why,', ({ proxies, sees }) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await startFixture(proxies ? { trustedProxies: proxies } : {});
    await fixture.servePlatform(echo);
  });
  afterAll(() => fixture.close());

  test.each([
    ['X-Forwarded-For: 1.1.1.1, 203.0.113.9'],
    ['Forwarded: for=1.1.1.1, for=203.0.113.9;proto=https'],
    ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 203.0.113.9'],
  ])('sends the platform the client of %s', async (...lines) => {
    const response = await rawExchange(fixture.port, request('/whatever', ['Host: saas.example', ...lines]));
    expect(forwardedFor(response)).toBe(sees);
  });

  test('writes the client into the access log, for refused requests too', async () => {
    const line = 'X-Forwarded-For: 203.0.113.9';
    await rawExchange(fixture.port, request('/api/products', ['Host: saas.example', line]));
    const lines = await fixture.accessLog(4);
    expect(lines.at(-1)).toMatchObject({ client: sees, path: '/api/products', status: 401 });
  });
});

describe('RT-9: a request that names two hosts', () => {
  let fixture: Fixture;
  let authorization: string;
  let served = 0;
  beforeAll(async () => {
    fixture = await startFixture();
    const count: typeof echo = (request, response) => {
      served += 1;
      echo(request, response);
    };
    await fixture.serve('products', count);
    await fixture.servePlatform(count);
    authorization = await fixture.addTenant(tenantRoute('acme00001'));
  });
  afterAll(() => fixture.close());

  test.each([
    ['/api/products', ['Host: a.example', 'Host: b.example']],
    ['/api/products', ['Host: a.example', 'hOsT: a.example']],
    ['/control-plane/tenants', ['Host: a.example', 'Host: b.example']],
    ['/realms/pool/account', ['Host: a.example', 'Host: b.example']],
    ['/healthz', ['Host: a.example', 'Host: b.example']],
    ['/', ['Host: a.example, b.example']],
    ['/', ['Host: a.example b.example']],
    ['http://a.example/', ['Host: a.example', 'Host: b.example']],
  ])('%s with %j gets 400 and reaches nothing', async (path, hosts) => {
    const before = served;
    const response = await rawExchange(fixture.port, request(path, [...hosts, `Authorization: ${authorization}`]));
    expect(response).toMatch(/^HTTP\/1\.1 400 /);
    expect(served).toBe(before);
  });

  test('also by HTTP/1.0, which needs no Host at all', async () => {
    const of = (lines: readonly string[]) => rawExchange(fixture.port, request('/healthz', lines, '1.0'));
    expect(await of(['Host: a.example', 'Host: b.example'])).toMatch(/^HTTP\/1\.1 400 /);
    expect(await of([])).toMatch(/^HTTP\/1\.1 200 /);
  });
});
