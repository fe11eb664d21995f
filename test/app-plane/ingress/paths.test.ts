import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IngressScene, SERVICES } from './scene.ts';

/** Which service a path reaches, and what that service sees of it. */
let scene: IngressScene;
beforeAll(async () => {
  scene = await IngressScene.start();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Sends one request line as it is. @returns the status, and what a service has received */
async function send(target: string, method = 'GET') {
  const before = scene.received.length;
  const text = await scene.raw(`${method} ${target} HTTP/1.1\r\nHost: tenant.example\r\nConnection: close\r\n\r\n`);
  const [received] = scene.received.slice(before);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), received, text };
}

test.each([
  ['/products', 'products', '/products'],
  ['/products/', 'products', '/products/'],
  ['/products?limit=5&q=a/b', 'products', '/products?limit=5&q=a/b'],
  ['/products/p1', 'products', '/products/p1'],
  ['/products/a%20b', 'products', '/products/a%20b'],
  ['/products/a%2Fb', 'products', '/products/a%2Fb'],
  ['/v1/orders/o1', 'orders', '/v1/orders/o1'],
  ['/prod/products', 'products', '/products'],
  ['/s1/products/p1', 'products', '/products/p1'],
  ['/prod/s1/orders?x=1', 'orders', '/orders?x=1'],
  ['/prod/s1/v1/orders/o1', 'orders', '/v1/orders/o1'],
  ['http://tenant.example/products/p1', 'products', '/products/p1'],
  ['HTTPS://elsewhere.example/prod/orders', 'orders', '/orders'],
  ['/products//p1', 'products', '/products//p1'],
  ['/products/http://elsewhere.example/', 'products', '/products/http://elsewhere.example/'],
] as const)('%s reaches its service', async (target, service, url) => {
  const { status, received } = await send(target);
  expect({ status, service: received?.service, url: received?.url }).toEqual({ status: 200, service, url });
});

test.each([
  ...['/', '/nothing', '/nothing/products', '/Products', '/products.', '/productsx', '/%70roducts', '/products%2Fp1'],
  ...['//products', '//elsewhere.example/products', '/prod//products', '/s1/prod/products', '/prod/prod/products'],
  ...[
    '/v1',
    '/v1/v1/products',
    '/v2/products',
    '/v1/prod/products',
    '/prod',
    '/prod/s1',
    '/products@elsewhere.example',
  ],
  ...['/products:8080', '/@products', '/?/products', '/169.254.170.2/v2/credentials', '/healthz/', '/__proto__'],
  ...['http://products', 'http://products/', 'http://products:8080/orders1', 'http://a@b/nothing', '/constructor'],
])('%s is a path of no service: 404', async (target) => {
  const { status, received, text } = await send(target);
  expect([status, received]).toEqual([404, undefined]);
  expect(text).toContain('application/problem+json');
});

test.each([
  ...['/products/..', '/products/../orders', '/products/./p1', '/products/%2e%2e/orders', '/products/%2E%2E%2Forders'],
  ...['/products/..%2forders', '/../products', '/prod/../products', '/products\\..\\orders', '/products/%5c..', '/.'],
  ...['/products/%00', '/products#x', 'products', 'products/p1', 'ftp://tenant.example/products', 'http:products', '*'],
  ...['/products/\xff', 'tenant.example:80', 'http://', 'http:///products', '/products\x7f'],
])('%s is refused, because two servers could read it differently: 400', async (target) => {
  const { status, received } = await send(target);
  expect([status, received]).toEqual([400, undefined]);
});

test('a target of more than 8 KiB is refused: 414', async () => {
  expect((await send(`/products/${'a'.repeat(8_192)}`)).status).toBe(414);
  expect((await send(`/products/${'a'.repeat(8_000)}`)).status).toBe(200);
});

test.each(['', 'Host: a\r\nHost: b\r\n', 'Host: a, b\r\n', 'Host: a/b\r\n'])(
  'a request must have one valid Host, not %j: 400',
  async (host) => {
    const before = scene.received.length;
    const text = await scene.raw(`GET /products HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(scene.received.length).toBe(before);
  },
);

/** Pieces of which attackers make paths. */
const piece = fc.oneof(
  fc.constantFrom(
    ...SERVICES,
    'prod',
    's1',
    'v1',
    '/',
    '//',
    '/',
    '/',
    '..',
    '.',
    '%2e',
    '%2f',
    '%2F',
    '%5c',
    '\\',
    '%00',
  ),
  fc.constantFrom(
    '@',
    ':',
    ':8080',
    '?',
    '#',
    ';',
    '&',
    '%',
    '169.254.170.2',
    'elsewhere.example',
    'http://',
    'HTTP://',
  ),
  fc.constantFrom('users', 'localhost', '127.0.0.1', '[::1]', '0', '*', '%252e', '%c0%ae', '+', '$', '~'),
  fc.string({
    minLength: 1,
    maxLength: 4,
    unit: fc.integer({ min: 0x21, max: 0xff }).map((n) => String.fromCharCode(n)),
  }),
);
const anyTarget = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
const start = fc.constantFrom(
  '/products/',
  '/orders/',
  '/prod/s1/v1/orders/',
  '/s1/products?',
  '/v1/products/',
  '/prod//',
);
const absolute = fc.constantFrom('http://', 'https://', 'http://tenant.example/', 'HTTP://orders:8080/products');
const first = fc.oneof(fc.constantFrom('', '/'), start, absolute);
const target = fc.tuple(first, anyTarget).map((parts) => parts.join(''));

test('SE-1.12: no path reaches a host other than the listed services, and none reaches a service that it does not name', async () => {
  let served = 0;
  await fc.assert(
    fc.asyncProperty(target, async (text) => {
      const { status, received } = await send(text);
      expect([200, 400, 404]).toContain(status);
      if (!received) return;
      served++;
      const [, first, second] = received.url.split(/[/?]/);
      expect(first === 'v1' ? second : first).toBe(received.service);
      // The service sees a path that the request contains, and no `..` that could lead to another.
      expect(text).toContain(received.url === '/' ? '' : received.url);
      expect(received.url).not.toMatch(/(?:^|\/|%2f)(?:\.|%2e){2}(?:\/|%2f|\?|$)(?![^?]*$)/i);
    }),
    { numRuns: 1_500 },
  );
  // Otherwise the property would say little.
  expect(served).toBeGreaterThan(50);
  expect(new Set(scene.connected)).toEqual(new Set(SERVICES.map((service) => `${service}:8080`)));
}, 60_000);

test('SE-1.12: no Host header reaches a host other than the listed services', async () => {
  const hosts = ['orders', 'orders:8080', '169.254.170.2', 'elsewhere.example', 'localhost:1', ''];
  for (const host of hosts) {
    const before = scene.received.length;
    const text = await scene.raw(`GET /products HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(scene.received.slice(before).map(({ service }) => service)).toEqual(['products']);
  }
});
