import { DomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { etagOf } from '../kit/etag.ts';
import { createOnce } from '../kit/idempotency.ts';
import { type Operation, operation } from '../kit/operation.ts';
import { decodeToken, encodeToken } from '../kit/paging.ts';
import type { Catalogue } from './catalogue.ts';
import { priceLines } from './pricing.ts';
import { NewOrder, Order, OrderChange, OrderPage, OrderParams, OrderQuery, OrderUpdate } from './schema.ts';
import { mayFollow, nextStatuses } from './status.ts';
import { changeOrder, createOrder, deleteOrder, getOrder, listOrders, type StoredOrder } from './store.ts';

const WRONG_STATUS = { 409: 'The order may not go to this status from where it is.' };

export interface OrderDeps {
  readonly clock: Clock;
  readonly ids: () => string;
  readonly catalogue: Catalogue;
}

export function orderOperations({ clock, ids, catalogue }: OrderDeps): Operation[] {
  return [
    operation({
      id: 'listOrders',
      method: 'GET',
      path: '',
      summary: 'Orders in order of creation, page by page',
      query: OrderQuery,
      status: 200,
      answer: OrderPage,
      async handle({ tenant, query }) {
        const scope = `${tenant.tenantId}/orders`;
        const after = decodeToken(scope, query.next_token);
        const { orders, next } = await listOrders(tenant, { limit: query.limit, after });
        return { body: { data: orders, ...(next !== undefined && { next_token: encodeToken(scope, next) }) } };
      },
    }),
    operation({
      id: 'createOrder',
      method: 'POST',
      path: '',
      summary: 'Place an order, at the prices of this moment',
      body: NewOrder,
      status: 201,
      answer: Order,
      refusals: { 503: 'The products service does not answer; nothing was ordered.' },
      async handle({ tenant, body, idempotencyKey }) {
        const create = { tenant, body, idempotencyKey };
        const created = await createOnce<Order>(create, 'orders', clock, async (remember) => {
          const productIds = [...new Set(body.lines.map(({ productId }) => productId))];
          const priced = priceLines(body.lines, await catalogue.prices(tenant, productIds));
          const order: Order = { orderId: ids(), name: body.name, ...priced, status: 'placed' };
          await createOrder(tenant, order, remember(order));
          return order;
        });
        return { body: created, etag: etagOf(1), createdId: created.orderId };
      },
    }),
    operation({
      id: 'getOrder',
      method: 'GET',
      path: '/:orderId',
      summary: 'One order',
      params: OrderParams,
      status: 200,
      answer: Order,
      handle: async ({ tenant, params }) => toAnswer(await getOrder(tenant, params.orderId)),
    }),
    operation({
      id: 'updateOrder',
      method: 'PUT',
      path: '/:orderId',
      summary: 'Set name and status of an order',
      params: OrderParams,
      body: OrderUpdate,
      status: 200,
      answer: Order,
      refusals: WRONG_STATUS,
      handle: async ({ tenant, params, body, ifMatch }) =>
        toAnswer(await changeOrder(tenant, params.orderId, ifMatch, (order) => applyChange(order, body))),
    }),
    operation({
      id: 'changeOrder',
      method: 'PATCH',
      path: '/:orderId',
      summary: 'Change name or status of an order',
      params: OrderParams,
      body: OrderChange,
      status: 200,
      answer: Order,
      refusals: WRONG_STATUS,
      handle: async ({ tenant, params, body, ifMatch }) =>
        toAnswer(await changeOrder(tenant, params.orderId, ifMatch, (order) => applyChange(order, body))),
    }),
    operation({
      id: 'deleteOrder',
      method: 'DELETE',
      path: '/:orderId',
      summary: 'Delete an order',
      params: OrderParams,
      status: 204,
      async handle({ tenant, params, ifMatch }) {
        await deleteOrder(tenant, params.orderId, ifMatch);
        return {};
      },
    }),
  ];
}

/** Throws CONFLICT for a status that may not follow the order's own. */
function applyChange(order: Order, { name = order.name, status = order.status }: OrderChange): Order {
  if (mayFollow(order.status, status)) return { ...order, name, status };
  const msg = `must be ${nextStatuses(order.status)} after ${order.status}, got ${status}`;
  throw new DomainError('CONFLICT', `status ${msg}`, {
    issues: [{ loc: ['body', 'status'], type: 'transition', msg }],
  });
}

function toAnswer({ order, version }: StoredOrder) {
  return { body: order, etag: etagOf(version) };
}
