import { defined } from '../../core/defined.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { etagOf } from '../kit/etag.ts';
import { createOnce } from '../kit/idempotency.ts';
import { type Operation, operation } from '../kit/operation.ts';
import { decodeToken, encodeToken } from '../kit/paging.ts';
import { Product, ProductChange, ProductInput, ProductPage, ProductParams, ProductQuery } from './schema.ts';
import {
  changeProduct,
  createProduct,
  deleteProduct,
  findProducts,
  getProduct,
  listProducts,
  type StoredProduct,
} from './store.ts';

const SKU_TAKEN = { 409: 'The sku is taken by another product.' };

export function productOperations({ clock, ids }: { clock: Clock; ids: () => string }): Operation[] {
  return [
    operation({
      id: 'listProducts',
      method: 'GET',
      path: '',
      summary: 'Products in order of creation, page by page',
      query: ProductQuery,
      status: 200,
      answer: ProductPage,
      async handle({ tenant, query }) {
        if (query.ids) return { body: { data: await findProducts(tenant, query.ids) } };
        const { limit, category } = query;
        const scope = `${tenant.tenantId}/products?${category ?? ''}`;
        const after = decodeToken(scope, query.next_token);
        const { products, next } = await listProducts(tenant, { limit, category, after });
        return { body: { data: products, ...(next !== undefined && { next_token: encodeToken(scope, next) }) } };
      },
    }),
    operation({
      id: 'createProduct',
      method: 'POST',
      path: '',
      summary: 'Create a product',
      body: ProductInput,
      status: 201,
      answer: Product,
      refusals: SKU_TAKEN,
      async handle({ tenant, body, idempotencyKey }) {
        const create = { tenant, body, idempotencyKey };
        const created = await createOnce<Product>(create, 'products', clock, async (remember) => {
          const product = { productId: ids(), ...body };
          await createProduct(tenant, product, remember(product));
          return product;
        });
        return { body: created, etag: etagOf(1), createdId: created.productId };
      },
    }),
    operation({
      id: 'getProduct',
      method: 'GET',
      path: '/:productId',
      summary: 'One product',
      params: ProductParams,
      status: 200,
      answer: Product,
      handle: async ({ tenant, params }) => toAnswer(await getProduct(tenant, params.productId)),
    }),
    operation({
      id: 'replaceProduct',
      method: 'PUT',
      path: '/:productId',
      summary: 'Replace a product',
      params: ProductParams,
      body: ProductInput,
      status: 200,
      answer: Product,
      refusals: SKU_TAKEN,
      handle: async ({ tenant, params, body, ifMatch }) =>
        toAnswer(await changeProduct(tenant, params.productId, ifMatch, () => body)),
    }),
    operation({
      id: 'changeProduct',
      method: 'PATCH',
      path: '/:productId',
      summary: 'Change some fields of a product',
      params: ProductParams,
      body: ProductChange,
      status: 200,
      answer: Product,
      refusals: SKU_TAKEN,
      handle: async ({ tenant, params, body, ifMatch }) =>
        toAnswer(
          await changeProduct(tenant, params.productId, ifMatch, (product) => ({ ...product, ...defined(body) })),
        ),
    }),
    operation({
      id: 'deleteProduct',
      method: 'DELETE',
      path: '/:productId',
      summary: 'Delete a product',
      params: ProductParams,
      status: 204,
      async handle({ tenant, params, ifMatch }) {
        await deleteProduct(tenant, params.productId, ifMatch);
        return {};
      },
    }),
  ];
}

function toAnswer({ product, version }: StoredProduct) {
  return { body: product, etag: etagOf(version) };
}
