import * as z from 'zod';
import { Money } from '../../core/fields/money.ts';
import { visibleText } from '../../core/fields/visible-text.ts';
import { pageOf } from '../../core/http/page.ts';
import { ListQuery } from '../kit/paging.ts';
import { ORDER_STATUSES } from './status.ts';

const MAX_LINES = 100;

/** The platform creates all ids, so other forms name no product. The limit also bounds the request to the products service. */
const productId = z.string().regex(/^[\w-]{1,64}$/, 'must be an existing product');

const Line = z.strictObject({
  productId,
  quantity: z.int().min(1).max(10_000),
});
export type Line = z.output<typeof Line>;

/** A new order. Clients cannot set prices or status. */
export const NewOrder = z
  .strictObject({ name: visibleText(200), lines: z.array(Line).min(1).max(MAX_LINES) })
  .meta({ id: 'NewOrder' });

/** What clients can change of a placed order. Its lines and prices stay. */
export const OrderUpdate = z
  .strictObject({ name: visibleText(200), status: z.enum(ORDER_STATUSES) })
  .meta({ id: 'OrderUpdate' });

export const OrderChange = OrderUpdate.partial().meta({ id: 'OrderChange' });
export type OrderChange = z.output<typeof OrderChange>;

const PricedLine = z.object({
  ...Line.shape,
  price: Money.describe('Of one piece, at the time of the order.'),
});
export type PricedLine = z.output<typeof PricedLine>;

/** A sum of prices. Unlike Money, only the range of integers limits it. */
const Total = z.object({ amount: z.int().min(0), currency: z.string() }).meta({ id: 'Total' });
export type Total = z.output<typeof Total>;

export const Order = z
  .object({
    orderId: z.string(),
    name: z.string(),
    lines: z.array(PricedLine),
    total: Total,
    status: z.enum(ORDER_STATUSES),
  })
  .meta({ id: 'Order', description: 'What a customer of a tenant ordered.' });
export type Order = z.output<typeof Order>;

export const OrderPage = pageOf(Order).meta({ id: 'OrderPage' });
export const OrderQuery = ListQuery;
