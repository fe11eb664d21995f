import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { put } from '../../core/ports/table.ts';
import { buildService } from '../../services/kit/service.ts';
import { buildProducts } from '../../services/products/app.ts';
import { buggyOperations } from '../fixtures/services/buggy.ts';
import { BOOK, send, TENANT_A, TENANT_B, World } from './world.ts';

let world: World;
let pooled: FastifyInstance;
let a: string;
let b: string;

beforeAll(async () => {
  world = await World.open();
  pooled = world.use(buildProducts(world.parts('products')));
  a = await world.bearer({ tenantId: TENANT_A });
  b = await world.bearer({ tenantId: TENANT_B });
});
afterAll(() => world.close());

describe('tenants in one warm process', () => {
  test("SE-1.14: never see each other's state, over hundreds of interleaved requests", async () => {
    const call = async (i: number) => {
      const [token, own] = i % 2 ? [a, 'of-a'] : [b, 'of-b'];
      const made = await send(pooled, 'POST', '/v1/products', token, { ...BOOK, sku: `${own}-${i}`, category: own });
      expect(made.status).toBe(201);
      const [list, foreign, one] = await Promise.all([
        send(pooled, 'GET', '/v1/products?limit=100', token),
        send(pooled, 'GET', `/v1/products?category=${own === 'of-a' ? 'of-b' : 'of-a'}`, token),
        send(pooled, 'GET', `/v1/products/${made.body.productId}`, token),
      ]);
      expect(new Set(list.body.data.map((product: { category: string }) => product.category))).toEqual(new Set([own]));
      expect(foreign.body).toEqual({ data: [] });
      expect(one.body).toEqual(made.body);
      return made.body.productId as string;
    };
    const ids = await Promise.all(Array.from({ length: 200 }, (_, i) => call(i)));
    const crossed = await Promise.all(
      ids.map((id, i) => send(pooled, i % 2 ? 'GET' : 'DELETE', `/v1/products/${id}`, i % 2 ? b : a)),
    );
    expect(new Set(crossed.map(({ status }) => status))).toEqual(new Set([404]));
    const byIds = await send(pooled, 'GET', `/v1/products?ids=${ids.slice(0, 100).join(',')}`, a);
    expect(byIds.body.data).toHaveLength(50);
  });

  test("SE-1.3: a load balancer's identity headers stand in for no token and change nothing beside one", async () => {
    const { productId } = (await send(pooled, 'POST', '/v1/products', a, { ...BOOK, sku: 'OIDC' })).body;
    const jwt = a.slice('Bearer '.length);
    const headers = { 'x-amzn-oidc-data': jwt, 'x-amzn-oidc-accesstoken': jwt, 'x-amzn-oidc-identity': TENANT_A };
    const get = (token?: string) => send(pooled, 'GET', `/v1/products/${productId}`, token, undefined, headers);
    expect((await get()).status).toBe(401);
    expect((await get(b)).status).toBe(404);
    expect((await get(a)).status).toBe(200);
  });

  test('SE-1.5: headers sent straight to a service change nothing; one that contradicts the token is refused with 403', async () => {
    const { productId } = (await send(pooled, 'POST', '/v1/products', a, { ...BOOK, sku: 'SECRET' })).body;
    const get = (headers: Record<string, string>, token = b) =>
      send(pooled, 'GET', `/v1/products/${productId}`, token, undefined, headers);
    for (const name of ['tenant-id', 'x-tenant-id', 'x_tierplane_tenant', 'x-amzn-oidc-data', 'x-amzn-oidc-identity']) {
      expect((await get({ [name]: TENANT_A })).status).toBe(404);
    }
    for (const value of [TENANT_A, TENANT_A.toUpperCase(), `${TENANT_B}, ${TENANT_A}`, '', ' ']) {
      expect((await get({ 'X-Tierplane-Tenant': value })).status).toBe(403);
    }
    expect((await get({ 'x-tierplane-tenant': TENANT_B })).status).toBe(404);
    expect((await get({ 'x-tierplane-tenant': TENANT_A }, '')).status).toBe(401);
    expect((await get({ 'x-tierplane-tenant': TENANT_A }, a)).status).toBe(200);
  });

  test('a silo task serves its own tenant and refuses all others, whatever the headers are', async () => {
    const config = { tenant: TENANT_A, identityUrl: '' };
    const silo = world.use(buildProducts(world.parts('products', { config })));
    expect((await send(silo, 'GET', '/products', a)).status).toBe(200);
    expect((await send(silo, 'GET', '/products', b)).status).toBe(403);
    const spoofed = await send(silo, 'GET', '/products', b, undefined, { 'x-tierplane-tenant': TENANT_A });
    expect(spoofed.status).toBe(403);
  });

  test('tokens without tenant, tier or a known role are refused, and so are a missing and a truncated token', async () => {
    expect((await send(pooled, 'GET', '/products')).headers['www-authenticate']).toBe('Bearer');
    const good = await world.bearer();
    const invalid = [good.slice(0, -5), good.replace('Bearer ', 'Basic '), `${good}x`, 'Bearer ', 'Bearer a.b.c'];
    for (const token of invalid) expect((await send(pooled, 'GET', '/products', token)).status).toBe(401);
    for (const claims of [{ tier: undefined }, { role: undefined }, { role: 'SystemAdmin' }]) {
      expect((await send(pooled, 'GET', '/products', await world.bearer(claims))).status).toBe(403);
    }
    expect((await send(pooled, 'GET', '/products', await world.bearer({ tenantId: undefined }))).status).toBe(401);
  });
});

describe('TI-2: application code with a bug', () => {
  let buggy: FastifyInstance;
  let parts: ReturnType<World['parts']>;

  beforeAll(async () => {
    parts = world.parts('buggy');
    buggy = world.use(buildService(parts, buggyOperations(TENANT_B)));
    for (const pk of [`${TENANT_B}#products`, `${TENANT_A}0#products`, 'products']) {
      await parts.table.transact([put({ pk, sk: 'target', version: 1, data: { secret: 'of another' } })]);
    }
  });

  test.each(['/buggy/target', '/buggy/target/no-tenant', '/buggy/target/prefix'])(
    'that requests %s, the data of another tenant, gets AccessDenied, and nothing leaks',
    async (url) => {
      const response = await send(buggy, 'GET', url, a);
      expect(response).toMatchObject({
        status: 403,
        body: { type: 'urn:tierplane:problem:access-denied', errors: [] },
      });
      expect(response.text).not.toContain('of another');
      expect(response.text).not.toContain(TENANT_B);
      expect(world.lines.at(-2)).toMatchObject({ level: 'error', fields: { tenantId: TENANT_A } });
    },
  );

  test('that writes to two tenants in one transaction is refused as a whole', async () => {
    expect((await send(buggy, 'POST', '/buggy', a)).status).toBe(403);
    expect(await parts.table.get({ pk: `${TENANT_A}#mine`, sk: '1' })).toBeUndefined();
    expect(await parts.table.get({ pk: `${TENANT_B}#products`, sk: '1' })).toBeUndefined();
  });
});
