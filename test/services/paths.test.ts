import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { buildOrders } from '../../services/orders/app.ts';
import { buildProducts } from '../../services/products/app.ts';
import { buildUsers } from '../../services/users/app.ts';
import { BOOK, send, World } from './world.ts';

let world: World;
let admin: string;
const apps = new Map<string, FastifyInstance>();
beforeAll(async () => {
  world = await World.open();
  admin = await world.bearer();
  for (const [name, build] of Object.entries({ orders: buildOrders, products: buildProducts, users: buildUsers })) {
    apps.set(name, world.use(build(world.parts(name))));
  }
});
afterAll(() => world.close());

function appOf(name: string): FastifyInstance {
  const app = apps.get(name);
  if (!app) throw new Error(`there is no service ${name}`);
  return app;
}

const SERVICES = ['orders', 'products', 'users'];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

describe.each(SERVICES)('RT-4: a path of %s', (service) => {
  test.each(['', '/some-id', '/openapi.json'])('%s with a slash at its end is the same resource', async (path) => {
    for (const base of [`/${service}`, `/v1/${service}`]) {
      for (const method of METHODS) {
        const plain = await send(appOf(service), method, `${base}${path}`, admin);
        const slash = await send(appOf(service), method, `${base}${path}/`, admin);
        expect([method, slash.status, slash.text]).toEqual([method, plain.status, plain.text]);
      }
    }
  });

  test.each(['//', '/%00', '/a%00b', '/%7f', '/%0a', '/a/b', '/a/b/'])(
    'that names nothing is not found: %s',
    async (path) => {
      for (const method of ['GET', 'DELETE'] as const) {
        const { status, body } = await send(appOf(service), method, `/${service}${path}`, admin);
        expect([status, body.type]).toEqual([404, 'urn:tierplane:problem:not-found']);
      }
    },
  );
});

describe('SE-6: a name of a product', () => {
  test('is stored in NFC without surrounding white space, and its category is found in any of these forms', async () => {
    const app = appOf('products');
    const book = { ...BOOK, name: ' Cafe\u0301\u00a0', category: 'Cafe\u0301s ' };
    const made = await send(app, 'POST', '/products', admin, book);
    expect([made.status, made.body.name, made.body.category]).toEqual([201, 'Caf\u00e9', 'Caf\u00e9s']);
    for (const category of ['Caf\u00e9s', 'Cafe\u0301s', ' Caf\u00e9s ']) {
      const found = await send(app, 'GET', `/products?category=${encodeURIComponent(category)}`, admin);
      expect(found.body.data.map((one: { productId: string }) => one.productId)).toEqual([made.body.productId]);
    }
  });

  test.each(['\u200b', '\u202e', '\u2028', '\u2029', '\u0007', '\u3164'])('cannot contain %j', async (character) => {
    for (const field of ['name', 'category']) {
      const body = { ...BOOK, sku: 'hidden', [field]: `a${character}b` };
      const { status, body: problem } = await send(appOf('products'), 'POST', '/products', admin, body);
      expect([status, problem.errors.map((one: { path: string }) => one.path)]).toEqual([400, [field]]);
    }
    const order = { name: `a${character}b`, lines: [{ productId: 'p', quantity: 1 }] };
    expect((await send(appOf('orders'), 'POST', '/orders', admin, order)).body.errors[0].path).toBe('name');
    const user = { email: 'a@b.example', userName: `a${character}b` };
    expect((await send(appOf('users'), 'POST', '/users', admin, user)).body.errors[0].path).toBe('userName');
  });
});
