import { defined } from '../../core/defined.ts';
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
import { Product, ProductChange, ProductInput, ProductPage, ProductQuery } from './schema.ts';
import {
  changeProduct,
  createProduct,
  deleteProduct,
  findProducts,
  getProduct,
  listProducts,
  type StoredProduct,
} from './store.ts';

const THE_PRODUCT = { description: 'The product.', body: Product, headers: ETAG } as const;
const SKU_TAKEN = refusal('Another product has the sku.');

export function productOperations({ clock, ids }: { clock: Clock; ids: () => string }): ServiceOperation[] {
  return [
    operation({
      id: 'listProducts',
      method: 'GET',
      path: '',
      access: TENANT_USER,
      summary: 'List products in order of creation',
      query: ProductQuery,
      responses: { 200: { description: 'One page.', body: ProductPage } },
      async handle({ tenant, query }) {
        if (query.ids) return { status: 200, body: { data: await findProducts(tenant, query.ids) } };
        const { category } = query;
        const list = { tenantId: tenant.tenantId, list: `products?${category ?? ''}` };
        return respondWithPage(list, query, (page) => listProducts(tenant, { ...page, category }));
      },
    }),
    operation({
      id: 'createProduct',
      method: 'POST',
      path: '',
      access: TENANT_USER,
      summary: 'Create a product',
      headers: IDEMPOTENCY_KEY,
      body: ProductInput,
      responses: {
        201: { description: 'The product.', body: Product, headers: CREATED },
        409: refusal('Another product has the sku, or the Idempotency-Key was used with another body.'),
      },
      async handle({ tenant, body, headers }) {
        const request = { tenant, body, idempotencyKey: headers['idempotency-key'] };
        const created = await createOnce<Product>(request, 'products', clock, async (keep) => {
          const product = { productId: ids(), ...body };
          await createProduct(tenant, product, keep(product));
          return product;
        });
        const location = `products/${encodeURIComponent(created.productId)}`;
        return { status: 201, headers: { etag: etagOf(1), location }, body: created };
      },
    }),
    operation({
      id: 'getProduct',
      method: 'GET',
      path: '/{productId}',
      access: TENANT_USER,
      summary: 'Get a product',
      headers: IF_NONE_MATCH,
      responses: { 200: THE_PRODUCT },
      handle: async ({ tenant, params }) => productResponse(await getProduct(tenant, params.productId)),
    }),
    operation({
      id: 'replaceProduct',
      method: 'PUT',
      path: '/{productId}',
      access: TENANT_USER,
      summary: 'Replace a product',
      headers: IF_MATCH,
      body: ProductInput,
      responses: { 200: THE_PRODUCT, 409: SKU_TAKEN },
      handle: async ({ tenant, params, body, headers }) =>
        productResponse(await changeProduct(tenant, params.productId, headers['if-match'], () => body)),
    }),
    operation({
      id: 'changeProduct',
      method: 'PATCH',
      path: '/{productId}',
      access: TENANT_USER,
      summary: 'Change some fields of a product',
      headers: IF_MATCH,
      body: ProductChange,
      responses: { 200: THE_PRODUCT, 409: SKU_TAKEN },
      async handle({ tenant, params, body, headers }) {
        const change = (product: Product) => ({ ...product, ...defined(body) });
        return productResponse(await changeProduct(tenant, params.productId, headers['if-match'], change));
      },
    }),
    operation({
      id: 'deleteProduct',
      method: 'DELETE',
      path: '/{productId}',
      access: TENANT_USER,
      summary: 'Delete a product',
      headers: IF_MATCH,
      responses: { 204: { description: 'The product is deleted.' } },
      async handle({ tenant, params, headers }) {
        await deleteProduct(tenant, params.productId, headers['if-match']);
        return { status: 204 };
      },
    }),
  ];
}

function productResponse({ product, version }: StoredProduct) {
  return { status: 200, headers: { etag: etagOf(version) }, body: product } as const;
}
