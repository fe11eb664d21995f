import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { echo, type Fixture, startFixture, tenantRoute } from './fixture.ts';

const ACME = 'acme00001';
const PAGE = 'https://app.acme.example';
const OTHERS = [
  ...['https://app.acme.example.evil.example', 'http://app.acme.example', 'https://app.acme.example:8443', 'null'],
  ...['https://APP.acme.example', 'https://acme.example', `${PAGE}/`, `${PAGE},https://evil.example`, '*'],
];
const ASK = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' };

describe('RT-1: pages of a configured origin', () => {
  let fixture: Fixture;
  let acme: string;
  beforeAll(async () => {
    fixture = await startFixture({ corsOrigins: [PAGE, 'http://localhost:3000'] });
    await fixture.serve('products', echo);
    await fixture.servePlatform(echo);
    acme = await fixture.addTenant(tenantRoute(ACME));
  });
  afterAll(() => fixture.close());

  const call = (method: string, headers: Record<string, string>, path = '/api/products/p1'): Promise<Response> =>
    fetch(`${fixture.url}${path}`, { method, headers });
  const corsOf = ({ headers }: Response) =>
    Object.fromEntries([...headers].filter(([name]) => name === 'vary' || name.startsWith('access-control-')));

  test('may ask without a token what they may send', async () => {
    const response = await call('OPTIONS', { origin: PAGE, ...ASK });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(corsOf(response)).toEqual({
      'access-control-allow-origin': PAGE,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': expect.stringContaining('authorization'),
      'access-control-expose-headers': expect.stringContaining('x-request-id'),
      'access-control-max-age': '600',
      vary: 'origin',
    });
  });

  test('may read responses, also the refusals of the gateway', async () => {
    for (const headers of [{ authorization: acme }, {}, { authorization: 'Bearer forged' }]) {
      const response = await call('GET', { origin: PAGE, ...headers });
      expect(corsOf(response)).toMatchObject({ 'access-control-allow-origin': PAGE, vary: 'origin' });
      expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  test.each(OTHERS)('SE-1: does not include the origin %s', async (origin) => {
    const preflight = await call('OPTIONS', { origin, ...ASK });
    expect([preflight.status, corsOf(preflight)]).toEqual([401, { vary: 'origin' }]);
    const response = await call('GET', { origin, authorization: acme });
    expect([response.status, corsOf(response)]).toEqual([200, { vary: 'origin' }]);
  });

  test('send every other OPTIONS request with a token, and get responses that caches keep apart', async () => {
    expect((await call('OPTIONS', { origin: PAGE })).status).toBe(401);
    expect(corsOf(await call('GET', { authorization: acme }))).toEqual({ vary: 'origin' });
  });

  test('do not reach the control plane by this setting', async () => {
    expect(corsOf(await call('GET', { origin: PAGE }, '/control-plane/tenants'))).toEqual({});
  });
});

describe('RT-1: without configured origins', () => {
  test('no page may call the API', async () => {
    const fixture = await startFixture();
    try {
      const response = await fetch(`${fixture.url}/api/products`, {
        method: 'OPTIONS',
        headers: { origin: PAGE, ...ASK },
      });
      expect([response.status, response.headers.get('vary')]).toEqual([401, null]);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    } finally {
      await fixture.close();
    }
  });
});
