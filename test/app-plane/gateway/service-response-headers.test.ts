import type { ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { limitedCookie } from '../../../app-plane/gateway/service-cookies.ts';
import { serviceResponseHeaders } from '../../../app-plane/gateway/service-response-headers.ts';
import { UPSTREAM_CLIENTS } from '../../../app-plane/gateway/upstream-clients.ts';
import { withScene } from './scene.ts';

const ADDRESS = { service: 'products', path: '/products?limit=1', publicUrl: () => new URL('https://saas.example') };

function passed(name: string, value: string): string | undefined {
  return serviceResponseHeaders([name, value], ADDRESS)[1];
}

describe('SE-1: of the response headers of a service', () => {
  test.each([
    ['Clear-Site-Data', '"*"'],
    ['Strict-Transport-Security', 'max-age=63072000; includeSubDomains'],
    ['Access-Control-Allow-Origin', '*'],
    ['access-control-allow-credentials', 'true'],
    ['Service-Worker-Allowed', '/'],
    ['Content-Security-Policy', 'report-uri https://evil.example'],
    ['Content-Security-Policy-Report-Only', 'report-to evil'],
    ['Reporting-Endpoints', 'evil="https://evil.example"'],
    ['Report-To', '{}'],
    ['NEL', '{}'],
    ['Refresh', '0; url=https://evil.example'],
    ['SourceMap', 'https://evil.example/map'],
    ['X-SourceMap', 'https://evil.example/map'],
    ['Alt-Svc', 'h2="evil.example:443"'],
    ['Set-Cookie2', 'a=b'],
    ['X-Accel-Redirect', '/protected/file'],
    ['X-Sendfile', '/etc/passwd'],
    ['X-Tierplane-Tenant', 'other'],
    ['X-Forwarded-Host', 'evil.example'],
    ['Public-Key-Pins', 'pin-sha256="x"'],
    ['Permissions-Policy', 'camera=*'],
    ['Cross-Origin-Opener-Policy', 'unsafe-none'],
    ['Server', 'nginx'],
    ['X-Own', '1'],
    ['X-Orders-Total', '1'],
    ['X-Products', '1'],
    ['WWW-Authenticate', 'Basic realm="Your password"'],
    ['WWW-Authenticate', 'Bearer, Basic realm="x"'],
    ['WWW-Authenticate', 'Bearer realm="x", Negotiate'],
  ])('%s: %s does not reach the client', (name, value) => {
    expect(serviceResponseHeaders([name, value], ADDRESS)).toEqual([]);
  });

  test.each([
    ['Content-Type', 'application/json'],
    ['content-length', '2'],
    ['ETag', '"1"'],
    ['Cache-Control', 'no-store'],
    ['Retry-After', '1'],
    ['Link', '</api/products?page=2>; rel="next"'],
    ['RateLimit', '"default";r=50;t=30'],
    ['RateLimit-Remaining', '50'],
    ['X-RateLimit-Limit', '100'],
    ['Content-Disposition', 'attachment'],
    ['X-Products-Total', '5'],
    ['WWW-Authenticate', 'Bearer'],
    ['www-authenticate', 'Bearer realm="x", error="invalid_token"'],
  ])('%s: %s reaches the client', (name, value) => {
    expect(serviceResponseHeaders([name, value], ADDRESS)).toEqual([name, value]);
  });

  test.each([
    ['products/1', true],
    ['/api/products/1', true],
    ['/api/v1/products/1?x=1#y', true],
    ['https://saas.example/api/products', true],
    ['?next=2', true],
    ['https://evil.example/api/products', false],
    ['//evil.example/api/products', false],
    ['http://saas.example/api/products', false],
    ['/api/orders/1', false],
    ['/api/products2', false],
    ['/api/products/../../realms/pool/account', false],
    ['/api/products/%2e%2e/%2e%2e/realms', false],
    ['/realms/pool/account', false],
    ['\\\\evil.example', false],
    ['javascript:alert(1)', false],
    ['https://user@saas.example:444/api/products', false],
    ['http://[', false],
  ])('Location: %s passes: %s', (location, passes) => {
    expect(passed('Location', location)).toBe(passes ? location : undefined);
    expect(passed('Content-Location', location)).toBe(passes ? location : undefined);
  });
});

describe('SE-1: a cookie of a service', () => {
  test.each([
    ['a=b; Path=/api/products', 'a=b; Path=/api/products'],
    [
      'a="b"; path=/api/v1/products/x; HttpOnly; Secure; SameSite=Lax',
      'a="b"; path=/api/v1/products/x; HttpOnly; Secure; SameSite=Lax',
    ],
    ['a=b', 'a=b; Path=/api/products'],
    ['a=b; Max-Age=60;', 'a=b; Max-Age=60; Path=/api/products'],
  ])('%s is limited to the path of the service', (given, sent) => {
    expect(passed('Set-Cookie', given)).toBe(sent);
  });

  test.each([
    'a=b; Path=/realms/pool',
    'a=b; Path=/',
    'a=b; Path=',
    'a=b; Path',
    'a=b; Path=/api',
    'a=b; Path=/api/',
    'a=b; Path=/api/orders',
    'a=b; Path=/api/products2',
    'a=b; Path=/API/products',
    'a=b; Domain=saas.example',
    'a=b; Path=/api/products; Domain=example',
    'a=b; Path=/api/products; Path=/realms/pool',
    'a=b; Path=/realms/pool; Path=/api/products',
    `a=b; Path=/realms/pool; Path=/api/products/${'x'.repeat(1_100)}`,
    `a=b; Path=/api/products/${'x'.repeat(1_100)}`,
    'a=b; Unknown=1',
    'a=b\u0001; Path=/api/products',
    '=b; Path=/api/products',
    'a; Path=/api/products',
    'a=1, _session=2; Path=/api/products',
    `a=${'x'.repeat(5_000)}; Path=/api/products`,
  ])('%p is dropped', (given) => {
    expect(passed('Set-Cookie', given)).toBeUndefined();
  });

  /** Path and domain of a cookie as browsers read it (RFC 6265bis, 5.6 and 5.7). */
  function asBrowsersRead(cookie: string): { path: string; domain: string } {
    let path = '/api';
    let domain = '';
    for (const part of cookie.split(';').slice(1)) {
      const [name = '', value = ''] = part.split(/=(.*)/s).map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
      if (value.length > 1_024) continue;
      if (name.toLowerCase() === 'path') path = value.startsWith('/') ? value : '/api';
      if (name.toLowerCase() === 'domain') domain = value;
    }
    return { path, domain };
  }

  test('whatever it asks for, browsers keep it below /api/<service> and for this host', () => {
    const piece = fc.constantFrom(
      'a=b',
      ';',
      '; ',
      'Path',
      'path',
      ' PATH\t',
      '=',
      '/',
      '/api/products',
      '/api/products/..',
      '/realms/pool',
      'Domain',
      'domain=x',
      '.example',
      ',',
      '"',
      '\\',
      ' ',
      '\t',
      'Max-Age=1',
      'Secure',
      '/api/products/'.repeat(100),
      '%2e%2e',
      '\u00a0',
      '__Host-a=1',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const cookie = limitedCookie(pieces.join(''), 'products');
        if (cookie === undefined) return;
        const { path, domain } = asBrowsersRead(cookie);
        expect(domain).toBe('');
        expect(path === '/api/products' || path.startsWith('/api/products/')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each(UPSTREAM_CLIENTS)(
  'SE-1: a hostile service sets nothing on the origin of the sign-in, with the upstream client %s',
  async (upstream) => {
    const hostile = (_request: unknown, response: ServerResponse): void => {
      response.writeHead(200, [
        ...['set-cookie', '_session=evil; Path=/realms/pool'],
        ...['set-cookie', 'own=1; Path=/api/products'],
        ...['clear-site-data', '"*"', 'strict-transport-security', 'max-age=1'],
        ...['access-control-allow-origin', '*', 'x-accel-redirect', '/x', 'etag', '"1"'],
      ]);
      response.end('{}');
    };
    await withScene(
      hostile,
      async ({ url, authorization, fixture }) => {
        const { headers } = await fetch(url, { headers: { authorization } });
        expect(headers.getSetCookie()).toEqual(['own=1; Path=/api/products']);
        const names = [...headers.keys()].filter(
          (name) => !['connection', 'keep-alive', 'date', 'transfer-encoding'].includes(name),
        );
        expect(names.sort()).toEqual(['etag', 'set-cookie', 'x-request-id']);
        await fixture.servePlatform((_request, response) =>
          response.setHeader('set-cookie', '_session=1; Path=/realms/pool').end(),
        );
        expect((await fetch(`${fixture.url}/realms/pool/account`)).headers.getSetCookie()).toEqual([
          '_session=1; Path=/realms/pool',
        ]);
      },
      { upstream },
    );
  },
);

test.each(['accel', 'forwarded', 'tierplane'])(
  'SE-1: a service with the name %s cannot use a header that a proxy or the platform reads',
  (service) => {
    expect(serviceResponseHeaders([`X-${service}-Redirect`, '1'], { ...ADDRESS, service })).toEqual([]);
  },
);
