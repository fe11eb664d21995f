import * as z from 'zod';
import { Money } from '../../core/fields/money.ts';
import { visibleText } from '../../core/fields/visible-text.ts';
import { pageOf } from '../../core/http/page.ts';
import { ListQuery, MAX_LIMIT } from '../kit/paging.ts';

const MAX_ID_LENGTH = 320;

/** What clients set of a product. */
export const ProductInput = z
  .strictObject({
    name: visibleText(200),
    sku: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, "must have 1 to 64 letters, digits, '.', '_' or '-'")
      .describe('Stock keeping unit, unique among the products of a tenant.'),
    category: visibleText(64),
    price: Money,
  })
  .meta({ id: 'ProductInput' });
export type ProductInput = z.output<typeof ProductInput>;

export const ProductChange = ProductInput.partial().meta({ id: 'ProductChange' });

export const Product = z
  .object({ productId: z.string(), ...ProductInput.shape })
  .meta({ id: 'Product', description: 'Something a tenant sells.' });
export type Product = z.output<typeof Product>;

export const ProductPage = pageOf(Product).meta({ id: 'ProductPage' });

export const ProductQuery = ListQuery.extend({
  category: visibleText(64).optional().describe('Only products of this category.'),
  ids: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.string().min(1).max(MAX_ID_LENGTH)).min(1).max(MAX_LIMIT))
    .optional()
    .describe(
      'Only these products: at most 100 ids, separated by commas. Unknown ids are left out. The response is one page.',
    ),
});
