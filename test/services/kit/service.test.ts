import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { Pool } from 'undici';
import { DomainError } from '../../../core/errors.ts';
import { CURRENCIES } from '../../../core/fields/money.ts';
import { operation, TENANT_USER } from '../../../services/kit/operation.ts';
import { buildService, type ServiceParts } from '../../../services/kit/service.ts';
import { buildOrders } from '../../../services/orders/app.ts';
import { buildProducts } from '../../../services/products/app.ts';
import { buildUsers } from '../../../services/users/app.ts';
import { BOOK, send, TENANT_A, TENANT_B, World } from '../world.ts';

let world: World;
let app: FastifyInstance;
let admin: string;

beforeAll(async () => {
  world = await World.open();
  app = world.use(buildProducts(world.parts('products')));
  admin = await world.bearer();
});
afterAll(() => world.close());

const WRITE_ONLY = {
  id: 'write',
  method: 'POST',
  path: '',
  access: TENANT_USER,
  summary: 'Write',
  responses: { 204: { description: 'Written.' } },
  handle: () => ({ status: 204 }) as const,
} as const;

describe('a refusal', () => {
  const plain = { 'content-type': 'text/plain' };
  const json = { 'content-type': 'application/json' };
  const cases: [string, number, InjectOptions][] = [
    ['an unknown path', 404, { method: 'GET', url: '/nothing' }],
    ['an unknown version', 404, { method: 'GET', url: '/v2/products' }],
    ['an unknown path, posted to', 404, { method: 'POST', url: '/x', headers: plain, payload: 'x' }],
    ['a method that the path does not have', 405, { method: 'DELETE', url: '/v1/products' }],
    ['broken JSON', 400, { method: 'POST', url: '/products', headers: json, payload: '{"name":' }],
    ['a poisoned prototype', 400, { method: 'POST', url: '/products', headers: json, payload: '{"__proto__":{}}' }],
    [
      'a body that is not UTF-8',
      400,
      { method: 'POST', url: '/products', headers: json, payload: Buffer.from('"\xff"', 'latin1') },
    ],
    ['a bad escape in the URL', 400, { method: 'GET', url: '/v1/products/%zz' }],
    ['another media type', 415, { method: 'POST', url: '/products', headers: plain, payload: 'x' }],
    ['a body too large', 413, { method: 'POST', url: '/products', headers: json, payload: `"${'x'.repeat(300_000)}"` }],
  ];
  test.each(cases)('of %s is a problem with status %i', async (what, status, { headers, ...request }) => {
    const response = await app.inject({ ...request, headers: { authorization: admin, ...headers } });
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({
      type: expect.stringMatching(/^urn:tierplane:problem:[a-z-]+$/),
      title: expect.any(String),
      status,
      detail: expect.any(String),
      errors: what === 'a poisoned prototype' ? [{ path: '__proto__', message: 'is not a known key' }] : [],
    });
  });

  test('with 405 lists the allowed methods', async () => {
    expect((await send(app, 'DELETE', '/products', admin)).headers.allow).toBe('GET, POST, HEAD');
    expect((await send(app, 'POST', '/products/x', admin)).headers.allow).toBe('GET, PUT, PATCH, DELETE, HEAD');
    const writeOnly = world.use(buildService(world.parts('products'), [operation(WRITE_ONLY)]));
    expect((await send(writeOnly, 'GET', '/products', admin)).headers.allow).toBe('POST');
  });

  test('asks for a token with 401 only, and names a time to retry with 503 only', async () => {
    expect((await send(app, 'GET', '/products')).headers['www-authenticate']).toBe('Bearer');
    for (const { headers } of [await send(app, 'GET', '/nothing'), await send(app, 'GET', '/products')]) {
      expect(headers).not.toHaveProperty('retry-after');
    }
    expect((await send(app, 'GET', '/nothing')).headers).not.toHaveProperty('www-authenticate');
  });

  test.each([
    ['DELETE', '/products/none', 'application/json', 404],
    ['DELETE', '/products/none', 'text/plain', 404],
    ['POST', '/products', 'application/json', 400],
    ['POST', '/products', 'text/plain', 400],
  ])(
    'of %s %s with the content type %s and without a body arrives on a real connection: %i',
    async (method, path, type, status) => {
      const socketPath = join(world.dir, `empty-${method}-${status}-${type.length}.sock`);
      await world.use(buildProducts(world.parts('products'))).listen({ path: socketPath });
      const connection = connect(socketPath);
      const head = [`${method} ${path} HTTP/1.1`, 'host: x', 'connection: close', `authorization: ${admin}`];
      connection.write([...head, `content-type: ${type}`, '', ''].join('\r\n'));
      const response = Buffer.concat(await connection.toArray()).toString();
      expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    },
  );

  test.each([
    ['declared', 3_000_000],
    ['sent piece by piece', undefined],
  ])(
    'of a body that is much too large, %s, reaches the gateway, because the body is read to its end',
    async (_how, length) => {
      const socketPath = join(world.dir, `long-${length ?? 'chunked'}.sock`);
      await world.use(buildProducts(world.parts('products'))).listen({ path: socketPath });
      const gateway = new Pool('http://localhost', { socketPath });
      world.onClose(() => gateway.close());
      const headers = {
        authorization: admin,
        ...json,
        ...(length !== undefined && { 'content-length': String(length) }),
      };
      async function* pieces(): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < 3_000_000; sent += 10_000) {
          yield Buffer.alloc(10_000, ' ');
          await setImmediate();
        }
      }
      const upload = async (): Promise<number> => {
        const body = Readable.from(pieces());
        const response = await gateway.request({ method: 'POST', path: '/products', headers, body });
        await response.body.dump();
        return response.statusCode;
      };
      expect(await Promise.all(Array.from({ length: 10 }, upload))).toEqual(Array(10).fill(413));
    },
  );

  test('with 500 does not expose the internal message, which the log has', async () => {
    const failing = {
      ...world.parts('failing'),
      authorize: async () => {
        throw new Error('secret internal message');
      },
    };
    const broken = world.use(buildProducts(failing));
    const response = await send(broken, 'GET', '/v1/failing', admin);
    expect(response).toMatchObject({ status: 500, body: { type: 'urn:tierplane:problem:internal' } });
    expect(response.text).not.toContain('secret internal message');
    expect(JSON.stringify(world.lines.map(({ fields }) => String(fields.err)))).toContain('secret internal message');
  });
});

describe('a service', () => {
  test('reports health and readiness without a token', async () => {
    expect(await send(app, 'GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await send(app, 'GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    const checkReady = () => Promise.reject(new DomainError('CORRUPT', 'the file is damaged'));
    const broken = world.use(buildService(world.parts('products', { checkReady }), []));
    expect(await send(broken, 'GET', '/readyz')).toMatchObject({
      status: 503,
      body: { type: 'urn:tierplane:problem:unavailable', detail: 'the task is not ready' },
      headers: { 'retry-after': '1' },
    });
    expect((await send(broken, 'GET', '/healthz')).status).toBe(200);
  });

  test('TI-2: opens the store of the verified token, once per request, and none for health checks', async () => {
    const tenants: (string | undefined)[] = [];
    const parts = world.parts('products');
    const tableOf: ServiceParts['tableOf'] = (token) => {
      tenants.push(token.tenantId);
      return parts.tableOf(token);
    };
    const service = world.use(buildProducts({ ...parts, tableOf }));
    for (const path of ['/healthz', '/readyz', '/nothing']) await send(service, 'GET', path);
    expect((await send(service, 'GET', '/products')).status).toBe(401);
    expect(tenants).toEqual([]);
    await send(service, 'GET', '/products', admin);
    await send(service, 'POST', '/products', await world.bearer({ tenantId: TENANT_B }), BOOK);
    expect(tenants).toEqual([TENANT_A, TENANT_B]);
  });

  test('TI-2: refuses a tenant whose store refuses the task, whatever the operation', async () => {
    const tableOf = () => {
      throw new DomainError('FORBIDDEN', 'the task must not act for this tenant');
    };
    const service = world.use(buildProducts(world.parts('products', { tableOf })));
    for (const [method, body] of [['GET'], ['POST', BOOK]] as const) {
      const response = await send(service, method, '/products', admin, body);
      expect(response).toMatchObject({ status: 403, body: { detail: 'the task must not act for this tenant' } });
    }
  });

  test('OB-1: logs one line per request with tenant, tier, request id, status and time, without token, body or ids', async () => {
    const before = world.lines.length;
    await send(app, 'GET', '/healthz');
    await send(app, 'GET', '/readyz');
    const body = { ...BOOK, sku: 'LOGGED', name: 'Words of a customer' };
    const made = await send(app, 'POST', '/v1/products', admin, body, { 'x-request-id': 'request-1' });
    expect(made.headers['x-request-id']).toBe('request-1');
    await send(app, 'GET', `/v1/products/${made.body.productId}`, 'Bearer nonsense');
    const lines = world.lines.slice(before);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toEqual({
      level: 'info',
      message: 'request',
      fields: {
        requestId: 'request-1',
        tenantId: 'tenantaaaa',
        tier: 'basic',
        method: 'POST',
        route: '/v1/products',
        status: 201,
        ms: expect.any(Number),
      },
    });
    expect(lines[1]?.fields).toMatchObject({ status: 401, route: '/v1/products/:productId' });
    const text = JSON.stringify(lines);
    for (const secret of [admin.slice(7, 40), 'nonsense', 'Words of a customer', made.body.productId]) {
      expect(text).not.toContain(secret);
    }
  });

  test('OB-1: logs also reads, and requests for paths that do not exist', async () => {
    const before = world.lines.length;
    const began = performance.now();
    await send(app, 'GET', '/v1/products', admin);
    const elapsedMs = performance.now() - began;
    await send(app, 'GET', '/v1/nothing/secret-id', admin);
    const [read, unknown, ...others] = world.lines.slice(before).map(({ fields }) => fields);
    expect(read).toMatchObject({ method: 'GET', route: '/v1/products', status: 200, tenantId: 'tenantaaaa' });
    expect(unknown).toMatchObject({ method: 'GET', route: 'none', status: 404, tenantId: undefined });
    expect(others).toEqual([]);
    const ms = Number(read?.ms);
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(elapsedMs + 0.01);
    expect(String(ms)).toMatch(/^\d+(\.\d{1,2})?$/);
  });

  test.each([
    ['x-request-id', 'a"b'],
    ['request-id', 'chosen-by-the-client'],
  ])('makes a request id if the client sends %s: %s', async (name, value) => {
    const response = await send(app, 'GET', '/healthz', undefined, undefined, { [name]: value });
    expect(response.headers['x-request-id']).toMatch(/^[0-9a-z]{26}$/);
  });

  test('does not accept a route with a schema of Fastify, as nothing would check it', async () => {
    const extended = world.use(buildService(world.parts('products'), []));
    const schema = { querystring: { type: 'object' } };
    await expect(async () => {
      extended.get('/extra', { schema }, () => 'x');
      await extended.ready();
    }).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  test('RT-6: describes every operation in OpenAPI 3.1 by the schemas that check it', async () => {
    const services = { products: buildProducts, orders: buildOrders, users: buildUsers };
    for (const [name, build] of Object.entries(services)) {
      const service = world.use(build(world.parts(name)));
      const { body } = await send(service, 'GET', `/v1/${name}/openapi.json`);
      expect(body.openapi).toBe('3.1.0');
      const methods = Object.entries<object>(body.paths).map(([path, item]) => `${path} ${Object.keys(item).sort()}`);
      const item = expect.stringMatching(/^\/\w+\/\{\w+\} delete,get,patch,put$/);
      expect(methods).toEqual(expect.arrayContaining([`/${name} get,post`, item]));
      const references = [...JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
      expect(references.length).toBeGreaterThan(0);
      for (const [, schema = ''] of references) expect(body.components.schemas).toHaveProperty(schema);
    }
    const { body } = await send(app, 'GET', '/products/openapi.json');
    expect(body.components.schemas.Product.required).toEqual(['productId', 'name', 'sku', 'category', 'price']);
    expect(body.components.schemas.Money.properties.currency.enum).toEqual([...CURRENCIES]);
    expect(Object.keys(body.paths['/products'].post.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '409', '413', '415', '429']),
    );
  });
});
