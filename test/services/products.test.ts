import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { buildProducts } from '../../services/products/app.ts';
import { BOOK, send, TENANT_B, World } from './world.ts';

let world: World;
let app: FastifyInstance;
let admin: string;
let sku = 0;

beforeAll(async () => {
  world = await World.open();
  app = world.use(buildProducts(world.parts('products')));
  admin = await world.bearer();
});
afterAll(() => world.close());

const fresh = (over: object = {}) => ({ ...BOOK, sku: `SKU-${sku++}`, ...over });
const create = async (over: object = {}) => (await send(app, 'POST', '/v1/products', admin, fresh(over))).body;

describe('the products service', () => {
  test('RT-6: creates, gets, replaces, changes and deletes a product', async () => {
    const input = fresh();
    const made = await send(app, 'POST', '/v1/products', admin, input);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({ productId: expect.stringMatching(/^[0-9a-z]{26}$/), ...input });
    expect(made.headers.location).toBe(`products/${made.body.productId}`);
    expect(made.headers.etag).toBe('"1"');

    const url = `/products/${made.body.productId}`;
    expect((await send(app, 'GET', url, admin)).body).toEqual(made.body);
    const replaced = await send(app, 'PUT', url, admin, { ...input, name: 'Another book' });
    expect(replaced).toMatchObject({ status: 200, body: { ...made.body, name: 'Another book' } });
    expect(replaced.headers.etag).toBe('"2"');
    const changed = await send(app, 'PATCH', url, admin, { price: { amount: 5, currency: 'JPY' } });
    expect(changed.body).toEqual({ ...made.body, name: 'Another book', price: { amount: 5, currency: 'JPY' } });
    const deleted = await send(app, 'DELETE', url, admin);
    expect(deleted).toMatchObject({ status: 204, text: '' });
    expect((await send(app, 'GET', url, admin)).status).toBe(404);
    expect((await send(app, 'DELETE', url, admin)).status).toBe(404);
  });

  test('RT-4: serves every operation under /v1 and without a version', async () => {
    const { productId } = await create();
    for (const base of ['/v1/products', '/products']) {
      expect((await send(app, 'GET', `${base}/${productId}`, admin)).status).toBe(200);
      expect((await send(app, 'GET', base, admin)).status).toBe(200);
      expect((await send(app, 'GET', `${base}/openapi.json`)).status).toBe(200);
    }
  });

  const invalidCases: [string, unknown, string][] = [
    ['a missing name', { ...BOOK, name: undefined }, 'name'],
    ['an empty name', { ...BOOK, name: '  ' }, 'name'],
    ['a name of the wrong type', { ...BOOK, name: 7 }, 'name'],
    ['control characters in a name', { ...BOOK, name: 'a\u0000b' }, 'name'],
    ['half a surrogate pair in a name', { ...BOOK, name: 'a\ud800b' }, 'name'],
    ['a name too long', { ...BOOK, name: 'x'.repeat(201) }, 'name'],
    ['a sku with a space', { ...BOOK, sku: 'A B' }, 'sku'],
    ['no category', { ...BOOK, category: '' }, 'category'],
    ['a negative amount', { ...BOOK, price: { amount: -1, currency: 'EUR' } }, 'price.amount'],
    ['a fractional amount', { ...BOOK, price: { amount: 1.5, currency: 'EUR' } }, 'price.amount'],
    ['an amount as text', { ...BOOK, price: { amount: '1', currency: 'EUR' } }, 'price.amount'],
    ['an amount beyond the limit', { ...BOOK, price: { amount: 1e12, currency: 'EUR' } }, 'price.amount'],
    ['an unknown currency', { ...BOOK, price: { amount: 1, currency: 'XXX' } }, 'price.currency'],
    ['a currency in small letters', { ...BOOK, price: { amount: 1, currency: 'eur' } }, 'price.currency'],
    ['a tenant of the client’s choice', { ...BOOK, tenantId: TENANT_B }, 'tenantId'],
    ['an id of the client’s choice', { ...BOOK, productId: 'mine' }, 'productId'],
    ['an unknown key inside', { ...BOOK, price: { ...BOOK.price, tax: 1 } }, 'price.tax'],
    ['a body that is not an object', [BOOK], ''],
    ['no body', undefined, ''],
  ];
  test.each(invalidCases)('refuses %s with the path of the field', async (_what, body, path) => {
    const response = await send(app, 'POST', '/v1/products', admin, body);
    expect(response.status).toBe(400);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.body).toMatchObject({ type: 'urn:tierplane:problem:invalid', status: 400 });
    expect(response.body.errors.map((one: { path: string }) => one.path)).toContain(path);
  });

  test('reports all errors of a request together', async () => {
    const { body } = await send(app, 'POST', '/v1/products', admin, { sku: '', extra: 1 });
    expect(body.errors.map((one: { path: string }) => one.path).sort()).toEqual([
      'category',
      'extra',
      'name',
      'price',
      'sku',
    ]);
  });

  test('keeps a sku unique among the products of a tenant, across create, change and delete', async () => {
    const one = await create();
    const other = await create();
    const taken = await send(app, 'POST', '/v1/products', admin, fresh({ sku: one.sku }));
    expect(taken).toMatchObject({ status: 409, body: { errors: [{ path: 'sku' }] } });
    expect((await send(app, 'PATCH', `/products/${other.productId}`, admin, { sku: one.sku })).status).toBe(409);
    expect((await send(app, 'GET', `/products/${other.productId}`, admin)).body).toEqual(other);

    expect((await send(app, 'PATCH', `/products/${one.productId}`, admin, { sku: 'MOVED' })).status).toBe(200);
    expect((await send(app, 'PATCH', `/products/${other.productId}`, admin, { sku: one.sku })).status).toBe(200);
    await send(app, 'DELETE', `/products/${one.productId}`, admin);
    expect((await send(app, 'POST', '/v1/products', admin, fresh({ sku: 'MOVED' }))).status).toBe(201);
    const elsewhere = await world.bearer({ tenantId: TENANT_B });
    expect((await send(app, 'POST', '/v1/products', elsewhere, fresh({ sku: 'MOVED' }))).status).toBe(201);
  });

  test('checks If-Match on update and delete, and If-None-Match on get', async () => {
    const { productId } = await create();
    const url = `/products/${productId}`;
    const change = { name: 'Changed' };
    const patch = (tag: string) => send(app, 'PATCH', url, admin, change, { 'if-match': tag });
    expect((await patch('"2"')).status).toBe(412);
    expect((await patch('W/"1"')).status).toBe(412);
    expect((await patch('"7", "1"')).status).toBe(200);
    expect((await patch('*')).status).toBe(200);
    expect((await send(app, 'DELETE', url, admin, undefined, { 'if-match': '"1"' })).status).toBe(412);
    expect(await send(app, 'GET', url, admin, undefined, { 'if-none-match': '"3"' })).toMatchObject({
      status: 304,
      text: '',
    });
    expect((await send(app, 'GET', url, admin, undefined, { 'if-none-match': '"2"' })).status).toBe(200);
    const unchanged = await send(app, 'PATCH', url, admin, change, { 'if-none-match': '*' });
    expect([unchanged.status, unchanged.body.name]).toEqual([200, 'Changed']);
    expect((await send(app, 'DELETE', url, admin, undefined, { 'if-match': '"4"' })).status).toBe(204);
  });

  test('of twenty concurrent updates of the same version one succeeds; without If-Match all do', async () => {
    const { productId } = await create();
    const url = `/products/${productId}`;
    const write = (headers: Record<string, string>) => (_: unknown, i: number) =>
      send(app, 'PATCH', url, admin, { name: `Writer ${i}` }, headers);
    const careful = await Promise.all(Array.from({ length: 20 }, write({ 'if-match': '"1"' })));
    expect(careful.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)]);
    const careless = await Promise.all(Array.from({ length: 4 }, write({})));
    expect(careless.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await send(app, 'GET', url, admin)).headers.etag).toBe('"6"');
  });

  test('creates once per Idempotency-Key, even for twenty concurrent requests', async () => {
    const input = fresh();
    const post = (body: unknown, key: string, token = admin) =>
      send(app, 'POST', '/v1/products', token, body, { 'idempotency-key': key });
    const responses = await Promise.all(Array.from({ length: 20 }, () => post(input, 'once')));
    expect(new Set(responses.map(({ status, body }) => `${status} ${body.productId}`)).size).toBe(1);
    expect(responses[0]?.status).toBe(201);
    expect((await post(fresh(), 'once')).status).toBe(409);
    expect((await post(fresh(), 'not one word')).body.errors[0].path).toBe('idempotency-key');
    const elsewhere = await post(input, 'once', await world.bearer({ tenantId: TENANT_B }));
    expect(elsewhere.status).toBe(201);
    expect(elsewhere.body.productId).not.toBe(responses[0]?.body.productId);
  });

  test('returns products by id and leaves out unknown ids', async () => {
    const one = await create();
    const other = await create();
    const response = await send(app, 'GET', `/products?ids=${other.productId},nothing,${one.productId}`, admin);
    expect(response.body).toEqual({ data: [other, one] });
    const tooMany = await send(app, 'GET', `/products?ids=${Array(101).fill('x').join(',')}`, admin);
    expect(tooMany).toMatchObject({ status: 400, body: { errors: [{ path: 'ids' }] } });
  });
});

describe('a list', () => {
  const page = async (token: string, query = '') => send(app, 'GET', `/v1/products${query}`, token);

  test('returns 1,000 items page by page, each once, while others are created and deleted', async () => {
    const owner = await world.bearer({ tenantId: 'tenantpaged' });
    const inputs = Array.from({ length: 1_000 }, (_, i) => fresh({ category: i % 2 ? 'odd' : 'even' }));
    const made: string[] = [];
    for (let i = 0; i < inputs.length; i += 100) {
      const batch = await Promise.all(
        inputs.slice(i, i + 100).map((one) => send(app, 'POST', '/products', owner, one)),
      );
      made.push(...batch.map(({ body }) => body.productId));
    }
    const walk = async (query: string) => {
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const { body } = await page(owner, `?limit=70${query}${next ? `&next_token=${next}` : ''}`);
        expect(body.data.length).toBeLessThanOrEqual(70);
        seen.push(...body.data.map((one: { productId: string }) => one.productId));
        next = body.next_token;
        if (seen.length === 140) await send(app, 'DELETE', `/products/${seen[0]}`, owner);
      } while (next);
      return seen;
    };
    const all = await walk('');
    expect(all).toEqual([...made].sort());
    const odd = await walk('&category=odd');
    expect(odd).toHaveLength(500 - (made.indexOf(String(all[0])) % 2));
    expect(new Set(odd).size).toBe(odd.length);
    expect((await page(owner, '?limit=100&category=none')).body).toEqual({ data: [] });
  });

  test('has 20 items by default, and a next_token only if there are more', async () => {
    const owner = await world.bearer({ tenantId: 'tenanttwenty' });
    await Promise.all(Array.from({ length: 20 }, () => send(app, 'POST', '/products', owner, fresh())));
    expect(Object.keys((await page(owner)).body)).toEqual(['data']);
    await send(app, 'POST', '/products', owner, fresh());
    const { body } = await page(owner);
    expect(body.data).toHaveLength(20);
    expect((await page(owner, `?next_token=${body.next_token}`)).body.data).toHaveLength(1);
    expect((await page(owner, '?next_token=')).body.data).toHaveLength(20);
  });

  test('refuses a token that was changed or belongs to another tenant or list', async () => {
    const owner = await world.bearer({ tenantId: 'tenanttokens' });
    await Promise.all(Array.from({ length: 3 }, () => send(app, 'POST', '/products', owner, fresh())));
    const token: string = (await page(owner, '?limit=1')).body.next_token;
    const flipped = token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    for (const wrong of [flipped, token.slice(1), `${token}=`, 'x', '%00', 'a'.repeat(2000)]) {
      expect(await page(owner, `?next_token=${wrong}`)).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'next_token' }] },
      });
    }
    expect((await page(owner, `?category=books&next_token=${token}`)).status).toBe(400);
    expect((await page(admin, `?next_token=${token}`)).status).toBe(400);
    expect((await page(owner, `?next_token=${token}`)).status).toBe(200);
  });

  test.each(['0', '101', '-1', '1.5', 'ten', ''])('refuses limit=%s', async (limit) => {
    expect(await page(admin, `?limit=${limit}`)).toMatchObject({ status: 400, body: { errors: [{ path: 'limit' }] } });
  });

  test('refuses repeated and unknown parameters', async () => {
    expect((await page(admin, '?limit=1&limit=2')).body.errors[0].path).toBe('limit');
    expect((await page(admin, '?tenant=x')).body.errors[0].path).toBe('tenant');
  });
});
