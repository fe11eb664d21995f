import { DomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { etagOf } from '../kit/etag.ts';
import { createOnce } from '../kit/idempotency.ts';
import {
  CREATED,
  ETAG,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  IF_NONE_MATCH,
  operation,
  refusal,
  type ServiceOperation,
  TENANT_USER,
} from '../kit/operation.ts';
import { respondWithPage } from '../kit/paging.ts';
import type { TenantContext } from '../kit/tenant-context.ts';
import type { Catalogue } from './catalogue.ts';
import { priceLines } from './pricing.ts';
import { NewOrder, Order, OrderChange, OrderPage, OrderQuery, OrderUpdate } from './schema.ts';
import { mayFollow, nextStatuses } from './status.ts';
import { changeOrder, createOrder, deleteOrder, getOrder, listOrders, type StoredOrder } from './store.ts';

const THE_ORDER = { description: 'The order.', body: Order, headers: ETAG } as const;
const WRONG_STATUS = refusal("The order's status cannot change to the one requested.");

export interface OrderDeps {
  readonly clock: Clock;
  readonly ids: () => string;
  readonly catalogue: Catalogue;
}

export function orderOperations({ clock, ids, catalogue }: OrderDeps): ServiceOperation[] {
  return [
    operation({
      id: 'listOrders',
      method: 'GET',
      path: '',
      access: TENANT_USER,
      summary: 'List orders in order of creation',
      query: OrderQuery,
      responses: { 200: { description: 'One page.', body: OrderPage } },
      handle: ({ tenant, query }) =>
        respondWithPage({ tenantId: tenant.tenantId, list: 'orders' }, query, (page) => listOrders(tenant, page)),
    }),
    operation({
      id: 'createOrder',
      method: 'POST',
      path: '',
      access: TENANT_USER,
      summary: 'Place an order at the current prices',
      headers: IDEMPOTENCY_KEY,
      body: NewOrder,
      responses: {
        201: { description: 'The order.', body: Order, headers: CREATED },
        503: refusal('The products service is not available; nothing was ordered.'),
      },
      async handle({ tenant, body, headers }) {
        const request = { tenant, body, idempotencyKey: headers['idempotency-key'] };
        const created = await createOnce<Order>(request, 'orders', clock, async (keep) => {
          const productIds = [...new Set(body.lines.map(({ productId }) => productId))];
          const priced = priceLines(body.lines, await catalogue.prices(tenant, productIds));
          const order: Order = { orderId: ids(), name: body.name, ...priced, status: 'placed' };
          await createOrder(tenant, order, keep(order));
          return order;
        });
        const location = `orders/${encodeURIComponent(created.orderId)}`;
        return { status: 201, headers: { etag: etagOf(1), location }, body: created };
      },
    }),
    operation({
      id: 'getOrder',
      method: 'GET',
      path: '/{orderId}',
      access: TENANT_USER,
      summary: 'Get an order',
      headers: IF_NONE_MATCH,
      responses: { 200: THE_ORDER },
      handle: async ({ tenant, params }) => orderResponse(await getOrder(tenant, params.orderId)),
    }),
    operation({
      id: 'updateOrder',
      method: 'PUT',
      path: '/{orderId}',
      access: TENANT_USER,
      summary: 'Set name and status of an order',
      headers: IF_MATCH,
      body: OrderUpdate,
      responses: { 200: THE_ORDER, 409: WRONG_STATUS },
      handle: ({ tenant, params, body, headers }) => update(tenant, params.orderId, headers['if-match'], body),
    }),
    operation({
      id: 'changeOrder',
      method: 'PATCH',
      path: '/{orderId}',
      access: TENANT_USER,
      summary: 'Change name or status of an order',
      headers: IF_MATCH,
      body: OrderChange,
      responses: { 200: THE_ORDER, 409: WRONG_STATUS },
      handle: ({ tenant, params, body, headers }) => update(tenant, params.orderId, headers['if-match'], body),
    }),
    operation({
      id: 'deleteOrder',
      method: 'DELETE',
      path: '/{orderId}',
      access: TENANT_USER,
      summary: 'Delete an order',
      headers: IF_MATCH,
      responses: { 204: { description: 'The order is deleted.' } },
      async handle({ tenant, params, headers }) {
        await deleteOrder(tenant, params.orderId, headers['if-match']);
        return { status: 204 };
      },
    }),
  ];
}

async function update(tenant: TenantContext, orderId: string, ifMatch: string | undefined, change: OrderChange) {
  return orderResponse(await changeOrder(tenant, orderId, ifMatch, (order) => applyChange(order, change)));
}

/** Throws CONFLICT for a status that cannot follow the order's current one. */
function applyChange(order: Order, { name = order.name, status = order.status }: OrderChange): Order {
  if (mayFollow(order.status, status)) return { ...order, name, status };
  const msg = `must be ${nextStatuses(order.status)} after ${order.status}, got ${status}`;
  throw new DomainError('CONFLICT', `status ${msg}`, {
    issues: [{ loc: ['body', 'status'], type: 'transition', msg }],
  });
}

function orderResponse({ order, version }: StoredOrder) {
  return { status: 200, headers: { etag: etagOf(version) }, body: order } as const;
}
