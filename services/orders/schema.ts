import * as z from 'zod';
import { Money } from '../kit/money.ts';
import { ListQuery, pageOf } from '../kit/paging.ts';
import { label, pathId } from '../kit/text.ts';
import { ORDER_STATUSES } from './status.ts';

const MAX_LINES = 100;

/** Ids are ours, so what cannot be one names no product. Short and plain ones also keep the question to products short. */
const productId = z.string().regex(/^[\w-]{1,64}$/, 'must be an existing product');

const Line = z.strictObject({
  productId,
  quantity: z.int().min(1).max(10_000),
});
export type Line = z.output<typeof Line>;

/** What a client says of a new order. Prices and status are not its to say. */
export const NewOrder = z
  .strictObject({ name: label(200), lines: z.array(Line).min(1).max(MAX_LINES) })
  .meta({ id: 'NewOrder' });

/** What may be said of an order once it is placed: what was ordered, at which price, stays. */
export const OrderUpdate = z
  .strictObject({ name: label(200), status: z.enum(ORDER_STATUSES) })
  .meta({ id: 'OrderUpdate' });

export const OrderChange = OrderUpdate.partial().meta({ id: 'OrderChange' });
export type OrderChange = z.output<typeof OrderChange>;

const PricedLine = z.object({
  ...Line.shape,
  price: Money.describe('Of one piece, when the order was placed.'),
});
export type PricedLine = z.output<typeof PricedLine>;

/** A sum: as Money, but as large as an integer may get. */
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

export const OrderPage = pageOf(Order);
export const OrderParams = z.object({ orderId: pathId });
export const OrderQuery = ListQuery;
