import { DomainError } from '../../core/errors.ts';
import { type Item, type Key, type Partition, put, type Write } from '../../core/ports/table.ts';
import type { StoredPage } from '../kit/paging.ts';
import { rewrite } from '../kit/rewrite.ts';
import type { TenantData } from '../kit/tenant-context.ts';
import type { Order } from './schema.ts';

export interface StoredOrder {
  readonly order: Order;
  readonly version: number;
}

/** In order of creation. `after` is the id of the last order of the previous page. */
export async function listOrders(
  { tenantId, table }: TenantData,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<StoredPage<Order>> {
  const { items, next } = await table.query({ ...ordersOf(tenantId), ...(after && { after }), limit });
  return { items: items.map((item) => item.data), ...(next !== undefined && { next }) };
}

/** Throws NOT_FOUND. */
export async function getOrder({ tenantId, table }: TenantData, orderId: string): Promise<StoredOrder> {
  const item = await table.get(orderKey(tenantId, orderId));
  if (!item) throw new DomainError('NOT_FOUND', 'order not found');
  return { order: item.data, version: item.version };
}

/** Writes a new order together with `further`. */
export async function createOrder(
  { tenantId, table }: TenantData,
  order: Order,
  further: readonly Write[],
): Promise<void> {
  const item: Item<Order> = { ...orderKey(tenantId, order.orderId), version: 1, data: order };
  await table.transact([put(item, 'absent'), ...further]);
}

/** Throws NOT_FOUND, CONDITION_FAILED (If-Match), and what `change` throws. */
export async function changeOrder(
  { tenantId, table }: TenantData,
  orderId: string,
  ifMatch: string | undefined,
  change: (order: Order) => Order,
): Promise<StoredOrder> {
  const target = { key: orderKey(tenantId, orderId), subject: 'order', ifMatch };
  const stored = await rewrite(table, target, ({ data }) => ({ item: { data: change(data) } }));
  return { order: stored.data, version: stored.version };
}

/** Throws NOT_FOUND, CONDITION_FAILED (If-Match). */
export async function deleteOrder(
  { tenantId, table }: TenantData,
  orderId: string,
  ifMatch: string | undefined,
): Promise<void> {
  const target = { key: orderKey(tenantId, orderId), subject: 'order', ifMatch };
  await rewrite(table, target, () => ({ item: null }));
}

function ordersOf(tenantId: string): Partition<Order> {
  return { pk: `${tenantId}#orders` };
}

function orderKey(tenantId: string, orderId: string): Key<Order> {
  return { ...ordersOf(tenantId), sk: orderId };
}
