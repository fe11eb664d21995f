import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { SqliteTable } from '../../adapters/embedded/store/table.ts';
import { DomainError } from '../../core/errors.ts';
import type { Declaration } from '../../core/http/operation.ts';
import type { CallerLookup } from '../../core/identity/caller-lookup.ts';
import { closing } from '../../core/tenant/closed.ts';
import { buildOrders } from '../../services/orders/app.ts';
import { orderOperations } from '../../services/orders/routes.ts';
import { buildProducts } from '../../services/products/app.ts';
import { productOperations } from '../../services/products/routes.ts';
import { buildUsers } from '../../services/users/app.ts';
import { userOperations } from '../../services/users/routes.ts';
import { holdRequest } from '../support/held-request.ts';
import { closeServer, listen } from '../support/http-server.ts';
import { BOOK, TENANT_A, World } from './world.ts';

const JO = { userName: 'jo@acme.example', email: 'jo@acme.example', role: 'TenantUser', enabled: true, created: 'now' };

/** The operations of every service that have a body, as the services declare them. */
const UNUSED = {} as never;
const OPERATIONS: readonly { readonly service: string; readonly id: string; readonly operation: Declaration }[] =
  Object.entries({
    products: productOperations(UNUSED),
    orders: orderOperations(UNUSED),
    users: userOperations(UNUSED),
  }).flatMap(([service, operations]) =>
    operations.filter(({ body }) => body).map((operation) => ({ service, id: operation.id, operation })),
  );

/** A body that is valid for each operation. */
const bodies = (productId: string): Readonly<Record<string, object>> => ({
  createProduct: { ...BOOK, sku: 'LATE' },
  replaceProduct: { ...BOOK, name: 'Late' },
  changeProduct: { name: 'Late' },
  createOrder: { name: 'Late', lines: [{ productId, quantity: 1 }] },
  updateOrder: { name: 'Late', status: 'paid' },
  changeOrder: { name: 'Late' },
  createUser: { email: JO.email },
  updateUser: { role: 'TenantAdmin', enabled: true },
  changeUser: { role: 'TenantAdmin' },
});

let world: World;
let admin: string;
/** What the registry says of the caller. */
let registry: { readonly role: string; readonly tenantId: string } | undefined;
/** Requests for changes that identity has received. */
let identityCalls: string[];
let targets: Readonly<
  Record<string, { readonly app: FastifyInstance; readonly table: SqliteTable; readonly url: string }>
>;
let ids: Readonly<Record<string, string>>;

const callers: CallerLookup = async () => {
  if (!registry) throw new DomainError('UNAUTHENTICATED', 'the user must be known and enabled');
  return registry;
};

beforeAll(async () => {
  world = await World.open();
  admin = await world.bearer();
  const identity = createServer(async (request, response) => {
    await text(request);
    if (request.method !== 'GET') identityCalls.push(`${request.method} ${request.url}`);
    response.end(JSON.stringify(JO));
  });
  const identityUrl = (await listen(identity)).url;
  world.onClose(() => closeServer(identity));
  const socket = join(world.dir, 'products.sock');
  const over = {
    callers,
    config: { tenant: '', identityUrl },
    directory: { endpoints: () => [`unix:${socket}`] as const },
  };
  const parts = {
    products: world.parts('products', over),
    orders: world.parts('orders', over),
    users: world.parts('users', over),
  };
  const apps = {
    products: buildProducts(parts.products),
    orders: buildOrders(parts.orders),
    users: buildUsers(parts.users),
  };
  const inner = world.use(buildProducts({ ...parts.products }));
  await inner.listen({ path: socket });
  targets = Object.fromEntries(
    await Promise.all(
      (['products', 'orders', 'users'] as const).map(async (name) => {
        const app = world.use(apps[name]);
        const url = await app.listen({ host: '127.0.0.1', port: 0 });
        return [name, { app, table: parts[name].table, url }] as const;
      }),
    ),
  );
  reset();
  const { productId } = await create('products', BOOK);
  const { orderId } = await create('orders', { name: 'An order', lines: [{ productId, quantity: 1 }] });
  ids = { productId: productId ?? '', orderId: orderId ?? '', userName: JO.userName };
});
beforeEach(reset);
afterAll(() => world.close());

function reset(): void {
  registry = { role: 'TenantAdmin', tenantId: TENANT_A };
  identityCalls = [];
}

async function create(service: string, body: object): Promise<Record<string, string>> {
  const response = await fetch(`${targets[service]?.url}/v1/${service}`, {
    method: 'POST',
    headers: { authorization: admin, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Record<string, string>;
}

function hold(service: string, { id, method, path }: Declaration, headers: Record<string, string> = {}) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name) => encodeURIComponent(ids[name] ?? ''));
  const body = JSON.stringify(bodies(ids.productId ?? '')[id]);
  const url = `${targets[service]?.url}/v1/${service}${filled}`;
  return holdRequest(url, { method, headers: { authorization: admin, ...headers }, body });
}

/** Everything that an operation may change. */
function effects(service: string): unknown {
  return [targets[service]?.table.database.statement('SELECT * FROM items ORDER BY pk, sk').all(), identityCalls];
}

describe.each(OPERATIONS)('$service: $id', ({ service, operation }) => {
  test('has a valid body in this test, and its effect if nothing happens meanwhile', async () => {
    expect(operation.body?.safeParse(bodies(ids.productId ?? '')[operation.id]).success).toBe(true);
    const held = await hold(service, operation);
    expect((await held.finish()).status).toBeLessThan(300);
  });

  test('ID-4: is refused without a gateway when the caller is demoted, disabled or deleted meanwhile', async () => {
    const isForAdmins = operation.access.kind === 'user' && operation.access.role !== undefined;
    for (const [role, status] of [
      [isForAdmins ? 'TenantUser' : 'Probe', 403],
      [undefined, 401],
    ] as const) {
      const held = await hold(service, operation);
      registry = role && { role, tenantId: TENANT_A };
      const before = effects(service);
      expect((await held.finish()).status).toBe(status);
      expect(effects(service)).toEqual(before);
      reset();
    }
  });

  test('refuses a stranger before the body has arrived', async () => {
    const held = await hold(service, operation, { authorization: 'Bearer nonsense' });
    expect((await held.early()).status).toBe(401);
  });

  test('ID-4: is refused to a role that only a header claims', async () => {
    registry = { role: 'Probe', tenantId: TENANT_A };
    const headers = { authorization: await world.bearer({ role: 'Probe' }), 'x-tierplane-role': 'TenantAdmin' };
    const held = await hold(service, operation, headers);
    expect((await held.finish()).status).toBe(403);
  });
});

describe('ON-6: a request that was admitted before its tenant was deleted', () => {
  test.each(OPERATIONS.filter(({ service }) => service !== 'users'))(
    '$service: $id writes nothing',
    async ({ service, operation }) => {
      const held = await hold(service, operation, { 'x-tierplane-role': 'TenantAdmin' });
      const table = targets[service]?.table;
      await table?.transact([closing(TENANT_A, Date.now())]);
      const before = effects(service);
      expect((await held.finish()).status).toBe(403);
      expect(effects(service)).toEqual(before);
      await table?.transact([{ delete: { pk: `closed#${TENANT_A}`, sk: 'closed' } }]);
    },
  );
});
