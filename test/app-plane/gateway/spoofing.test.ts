import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { echo, type Fixture, rawExchange, startFixture, tenantRoute } from './fixture.ts';

/** Sends raw bytes, because a client library would correct what an attacker sends. */
describe('spoofed headers', () => {
  const ACME = 'acme00001';
  let fixture: Fixture;
  let acme: string;

  beforeAll(async () => {
    fixture = await startFixture();
    await fixture.serve('products', echo);
    await fixture.servePlatform(echo);
    acme = await fixture.addTenant(tenantRoute(ACME));
  });
  afterAll(() => fixture.close());

  const send = (lines: readonly string[], path = '/api/products'): Promise<string> =>
    rawExchange(
      fixture.port,
      [
        `GET ${path} HTTP/1.1`,
        'Host: saas.example',
        `Authorization: ${acme}`,
        ...lines,
        'Connection: close',
        '',
        '',
      ].join('\r\n'),
    );

  /** Raw headers as the service received them, with names in lower case. */
  function headersOf(response: string): [string, string][] {
    const { rawHeaders } = JSON.parse(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1)) as {
      rawHeaders: string[];
    };
    return rawHeaders.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), rawHeaders[i + 1] as string]]));
  }

  test.each([
    ['X-Tierplane-Tenant: globex0001'],
    ['x-tierplane-tenant: globex0001'],
    ['X-TIERPLANE-TENANT: globex0001'],
    ['X_Tierplane_Tenant: globex0001'],
    ['x-tierplane_tenant: globex0001'],
    ['x.tierplane.tenant: globex0001'],
    ['xTierplaneTenant: globex0001'],
    ['X-Tierplane-Tenant:globex0001'],
    ['X-Tierplane-Tenant:    globex0001   '],
    ['X-Tierplane-Tenant: globex0001', 'x-tierplane-tenant: globex0001', 'X_TIERPLANE-TENANT: globex0001'],
    ['X-Tierplane-Tier: premium'],
    ['X-Tierplane-Anything: globex0001'],
    ['Tierplane-Tenant: globex0001'],
    ['X-Tenant: globex0001'],
    ['X-Tenant-Id: globex0001'],
    ['x_tenant_id: globex0001'],
    ['X-TenantId: globex0001'],
    ['X-Tenant-Tier: premium'],
    ['Tenant-Id: globex0001'],
    ['tenant_id: globex0001'],
    ['TenantID: globex0001'],
    ['Tenant: globex0001'],
    ['X-Tier: premium'],
    ['X-Amzn-Oidc-Identity: globex0001'],
    ['x-amzn-oidc-data: globex0001'],
    ['X_Amzn_Oidc_Accesstoken: globex0001'],
    ['X-Amzn-Trace-Id: globex0001'],
    ['X-Api-Key: globex0001'],
    ['X-Forwarded-For: globex0001'],
    ['X-Real-IP: globex0001'],
    ['Forwarded: for=globex0001'],
    ['Cookie: s=globex0001'],
    ['Proxy-Authorization: globex0001'],
    ['TE: globex0001'],
    ['Keep-Alive: globex0001'],
    ['X-Anything: globex0001', 'Connection: X-Anything'],
  ])('RT-1, SE-1: %s does not pass', async (...lines) => {
    const response = await send(lines);
    expect(response).toMatch(/^HTTP\/1\.1 200 /);
    const headers = headersOf(response);
    expect(headers.filter(([name]) => name === 'x-tierplane-tenant')).toEqual([['x-tierplane-tenant', ACME]]);
    expect(headers.filter(([name]) => name === 'x-tierplane-tier')).toEqual([['x-tierplane-tier', 'basic']]);
    expect(JSON.stringify(headers)).not.toMatch(/globex|premium/);
  });

  test.each([
    ['a space before the colon', ['X-Tierplane-Tenant : globex0001']],
    ['a space before the name', [' X-Tierplane-Tenant: globex0001']],
    ['a folded line', ['X-Other: 1', '\tX-Tierplane-Tenant: globex0001']],
    ['a bare line feed in a value', ['X-Other: 1\nX-Tierplane-Tenant: globex0001\r']],
    ['a NUL in a name', ['X-Tierplane\u0000-Tenant: globex0001']],
  ])('RT-1, SE-1: %s is refused, or has no effect', async (_what, lines) => {
    const response = await send(lines);
    if (response.startsWith('HTTP/1.1 400 ')) return;
    const tenants = headersOf(response).filter(([name, value]) => name.includes('tenant') || value === 'globex0001');
    expect(tenants).toEqual([['x-tierplane-tenant', ACME]]);
  });

  test('SE-1: of several tokens, the service receives only the one that was verified', async () => {
    const headers = headersOf(await send(['authorization: Bearer other', 'AUTHORIZATION: Bearer another']));
    expect(headers.filter(([name]) => name === 'authorization')).toEqual([['authorization', acme]]);
  });

  test("SE-1: Connection cannot remove the gateway's own headers", async () => {
    const named = 'Connection: Authorization, X-Tierplane-Tenant, X-Request-Id, Host';
    const headers = new Map(headersOf(await send([named])));
    expect(headers.get('authorization')).toBe(acme);
    expect(headers.get('x-tierplane-tenant')).toBe(ACME);
    expect(headers.has('x-request-id')).toBe(true);
  });

  test('other duplicate headers stay duplicates', async () => {
    const headers = headersOf(await send(['X-Custom: 1', 'x-custom: 2', 'Accept: a', 'Accept: b']));
    expect(headers.filter(([name]) => name === 'x-custom').map(([, value]) => value)).toEqual(['1', '2']);
    expect(headers.filter(([name]) => name === 'accept').map(([, value]) => value)).toEqual(['a', 'b']);
  });

  test('SE-1: internal headers do not reach the platform either', async () => {
    const lines = ['X-Tierplane-Tenant: globex0001', 'X_Amzn_Oidc_Data: globex0001', 'X-Forwarded-Host: globex0001'];
    const response = await send(lines, '/control-plane/tenants');
    expect(JSON.stringify(headersOf(response))).not.toContain('globex');
  });

  test.each([
    ['content-length with transfer-encoding', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['two lengths', ['Content-Length: 4', 'Content-Length: 5'], 'abcde'],
    ['a signed length', ['Content-Length: +4'], 'abcd'],
    ['a transfer-encoding that ends with chunked', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['chunked before identity', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
  ])('SE-1: request smuggling by %s is refused', async (_what, lines, body) => {
    const head = ['POST /api/products HTTP/1.1', 'Host: x', `Authorization: ${acme}`, ...lines, '', body];
    expect(await rawExchange(fixture.port, head.join('\r\n'))).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a request without Host is refused', async () => {
    expect(await rawExchange(fixture.port, 'GET /healthz HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('headers beyond 16 KB are refused with 431', async () => {
    const response = await send([`X-Big: ${'x'.repeat(17_000)}`]);
    expect(response).toMatch(/^HTTP\/1\.1 431 /);
    expect(response).toContain('{"message":"Request Header Fields Too Large"}');
  });

  test('bytes that are not HTTP are refused with a JSON body', async () => {
    const response = await rawExchange(fixture.port, 'NONSENSE\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(response).toMatch(/\{"message":"Bad Request"\}$/);
  });

  test.each([
    ['a web socket', ['GET /api/products HTTP/1.1', 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade', '', '']],
    ['a tunnel', ['CONNECT example.org:443 HTTP/1.1', 'Host: example.org', '', '']],
  ])('%s is refused', async (_what, lines) => {
    expect(await rawExchange(fixture.port, lines.join('\r\n'))).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test('an offer to upgrade to h2c is ignored', async () => {
    const upgrade = ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Connection: Upgrade, HTTP2-Settings, close'];
    const lines = ['GET /healthz HTTP/1.1', 'Host: x', ...upgrade, '', ''];
    expect(await rawExchange(fixture.port, lines.join('\r\n'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
