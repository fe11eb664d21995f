import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { Endpoint } from '../../services/kit/directory.ts';
import { buildOrders } from '../../services/orders/app.ts';
import { mayFollow, ORDER_STATUSES } from '../../services/orders/status.ts';
import { buildProducts } from '../../services/products/app.ts';
import { closeServer, listen } from '../support/http-server.ts';
import { BOOK, send, TENANT_B, World } from './world.ts';

let world: World;
let products: FastifyInstance;
let orders: FastifyInstance;
let admin: string;
/** The endpoints of products. Tests change them. */
let endpoints: readonly Endpoint[];
let live: Endpoint;

beforeAll(async () => {
  world = await World.open();
  products = world.use(buildProducts(world.parts('products')));
  const socket = join(world.dir, 'products.sock');
  await products.listen({ path: socket });
  live = `unix:${socket}`;
  endpoints = [live];
  const directory = { endpoints: (service: string) => (service === 'products' ? endpoints : []) };
  orders = world.use(buildOrders(world.parts('orders', { directory })));
  admin = await world.bearer();
});
afterAll(() => world.close());

let sku = 0;
async function product(amount: number, currency = 'EUR', token = admin): Promise<string> {
  const body = { ...BOOK, sku: `SKU-${sku++}`, price: { amount, currency } };
  return (await send(products, 'POST', '/v1/products', token, body)).body.productId;
}
const place = (lines: unknown, over: object = {}, headers = {}) =>
  send(orders, 'POST', '/v1/orders', admin, { name: 'An order', lines, ...over }, headers);

describe('the orders service', () => {
  test('RT-6: copies the current prices, sums them up, and keeps them when prices change', async () => {
    const [one, other] = [await product(250), await product(1_000)];
    const made = await place([
      { productId: one, quantity: 4 },
      { productId: other, quantity: 2 },
    ]);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      orderId: expect.stringMatching(/^[0-9a-z]{26}$/),
      name: 'An order',
      lines: [
        { productId: one, quantity: 4, price: { amount: 250, currency: 'EUR' } },
        { productId: other, quantity: 2, price: { amount: 1_000, currency: 'EUR' } },
      ],
      total: { amount: 3_000, currency: 'EUR' },
      status: 'placed',
    });
    expect(made.headers.location).toBe(`orders/${made.body.orderId}`);
    await send(products, 'PATCH', `/products/${one}`, admin, { price: { amount: 1, currency: 'EUR' } });
    const url = `/v1/orders/${made.body.orderId}`;
    expect((await send(orders, 'GET', url, admin)).body).toEqual(made.body);

    const paid = await send(orders, 'PUT', url, admin, { name: 'Renamed', status: 'paid' }, { 'if-match': '"1"' });
    expect(paid.body).toEqual({ ...made.body, name: 'Renamed', status: 'paid' });
    expect((await send(orders, 'PATCH', url, admin, { status: 'shipped' }, { 'if-match': '"1"' })).status).toBe(412);
    expect((await send(orders, 'PATCH', url, admin, { status: 'shipped' })).body.status).toBe('shipped');
    expect((await send(orders, 'DELETE', url, admin)).status).toBe(204);
    expect((await send(orders, 'GET', url, admin)).status).toBe(404);
  });

  test('refuses unknown products and those of other tenants, with each line concerned', async () => {
    const foreign = await product(100, 'EUR', await world.bearer({ tenantId: TENANT_B }));
    const response = await place([
      { productId: foreign, quantity: 1 },
      { productId: await product(1), quantity: 1 },
      { productId: 'nothing', quantity: 1 },
    ]);
    expect(response.status).toBe(400);
    expect(response.body.errors.map((one: { path: string }) => one.path)).toEqual([
      'lines.0.productId',
      'lines.2.productId',
    ]);
  });

  test('refuses mixed currencies and a total above 2^53', async () => {
    const euro = { productId: await product(1), quantity: 1 };
    const dollar = { productId: await product(1, 'USD'), quantity: 1 };
    expect((await place([euro, dollar])).body.errors).toEqual([
      { path: 'lines.1.productId', message: expect.stringContaining('USD') },
    ]);
    const dear = { productId: await product(999_999_999_999), quantity: 10_000 };
    expect(await place([dear])).toMatchObject({ status: 400, body: { errors: [{ path: 'lines.0.quantity' }] } });
  });

  const invalidCases: [string, unknown, string][] = [
    ['no lines', [], 'lines'],
    ['101 lines', Array(101).fill({ productId: 'x', quantity: 1 }), 'lines'],
    ['a quantity of 0', [{ productId: 'x', quantity: 0 }], 'lines.0.quantity'],
    ['a quantity of 10,001', [{ productId: 'x', quantity: 10_001 }], 'lines.0.quantity'],
    ['an id that no product can have', [{ productId: 'a,b', quantity: 1 }], 'lines.0.productId'],
    [
      'ids that are too long for one request',
      Array(100).fill({ productId: 'x'.repeat(320), quantity: 1 }),
      'lines.19.productId',
    ],
    ['a price of the client’s choice', [{ productId: 'x', quantity: 1, price: 0 }], 'lines.0.price'],
  ];
  test.each(invalidCases)('refuses %s with the path of the field', async (_what, lines, path) => {
    const response = await place(lines);
    expect(response.status).toBe(400);
    expect(response.body.errors.map((one: { path: string }) => one.path)).toContain(path);
  });

  test('SE-1.15: refuses a status or total that the client sets', async () => {
    const lines = [{ productId: await product(1), quantity: 1 }];
    const response = await place(lines, { status: 'paid', total: { amount: 0, currency: 'EUR' } });
    expect(response.body.errors.map((one: { path: string }) => one.path).sort()).toEqual(['status', 'total']);
  });

  test('allows exactly the changes of status that the table lists', async () => {
    const allowed = ORDER_STATUSES.flatMap((from) =>
      ORDER_STATUSES.filter((to) => from !== to && mayFollow(from, to)).map((to) => `${from} -> ${to}`),
    );
    expect(allowed).toEqual(['placed -> paid', 'placed -> cancelled', 'paid -> shipped', 'paid -> cancelled']);
    const { body } = await place([{ productId: await product(1), quantity: 1 }]);
    const url = `/orders/${body.orderId}`;
    expect((await send(orders, 'PATCH', url, admin, { status: 'shipped' })).body).toMatchObject({
      status: 409,
      detail: 'status must be paid or cancelled after placed, got shipped',
      errors: [{ path: 'status' }],
    });
    expect((await send(orders, 'PATCH', url, admin, { status: 'lost' })).status).toBe(400);
    expect((await send(orders, 'GET', url, admin)).body.status).toBe('placed');
  });

  test('places an order once per Idempotency-Key, at the prices of the first request', async () => {
    const id = await product(100);
    const lines = [{ productId: id, quantity: 1 }];
    const first = await place(lines, {}, { 'idempotency-key': 'k-1' });
    await send(products, 'PATCH', `/products/${id}`, admin, { price: { amount: 200, currency: 'EUR' } });
    const second = await place(lines, {}, { 'idempotency-key': 'k-1' });
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect((await place([{ ...lines[0], quantity: 2 }], {}, { 'idempotency-key': 'k-1' })).status).toBe(409);
  });

  test('lists orders page by page', async () => {
    const owner = await world.bearer({ tenantId: 'tenantlists' });
    const id = await product(1, 'EUR', owner);
    const body = { name: 'One of many', lines: [{ productId: id, quantity: 1 }] };
    await Promise.all(Array.from({ length: 25 }, () => send(orders, 'POST', '/orders', owner, body)));
    const first = (await send(orders, 'GET', '/orders', owner)).body;
    const second = (await send(orders, 'GET', `/orders?next_token=${first.next_token}`, owner)).body;
    expect([first.data.length, second.data.length, second.next_token]).toEqual([20, 5, undefined]);
  });
});

describe('while the products service is unavailable', () => {
  const line = async () => [{ productId: await product(1), quantity: 1 }];
  const gone = (): Endpoint => `unix:${join(world.dir, 'gone.sock')}`;

  test('an order is refused with 503 and Retry-After, nothing is stored, and the next order succeeds', async () => {
    const lines = await line();
    for (const none of [[], [gone()]]) {
      endpoints = none;
      const response = await place(lines, { name: 'Lost' });
      expect(response).toMatchObject({ status: 503, body: { type: 'urn:tierplane:problem:unavailable' } });
      expect(response.headers['retry-after']).toBe('1');
    }
    endpoints = [live];
    const { body } = await send(orders, 'GET', '/orders?limit=100', admin);
    expect(body.data.filter((one: { name: string }) => one.name === 'Lost')).toEqual([]);
    expect((await place(lines)).status).toBe(201);
  });

  test('another task is called instead of one that is gone or fails', async () => {
    const lines = await line();
    const failing = createServer((_request, response) => void response.writeHead(500).end());
    const failingSocket = join(world.dir, 'failing.sock');
    await new Promise<void>((resolve) => failing.listen(failingSocket, resolve));
    try {
      for (const bad of [gone(), `unix:${failingSocket}`] as const) {
        endpoints = [bad, live];
        for (let i = 0; i < 4; i++) expect((await place(lines)).status).toBe(201);
      }
    } finally {
      endpoints = [live];
      await closeServer(failing);
    }
  });

  test('products is called over TCP where the directory names an http endpoint', async () => {
    const lines = await line();
    const server = createServer((request, response) => products.routing(request, response));
    endpoints = [(await listen(server)).url as Endpoint];
    try {
      expect((await place(lines)).status).toBe(201);
    } finally {
      endpoints = [live];
      await closeServer(server);
    }
  });
});
