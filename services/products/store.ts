import { ConditionFailed, DomainError } from '../../core/errors.ts';
import { type Item, type Key, type Partition, put, type Write } from '../../core/ports/table.ts';
import type { StoredPage } from '../kit/paging.ts';
import { rewrite } from '../kit/rewrite.ts';
import type { TenantData } from '../kit/tenant-context.ts';
import type { Product, ProductInput } from './schema.ts';

/** Reserves a sku for one product of the tenant. */
interface SkuClaim {
  readonly productId: string;
}

export interface StoredProduct {
  readonly product: Product;
  readonly version: number;
}

/** In order of creation, optionally of one category. `after` is the id of the last product of the previous page. */
export async function listProducts(
  { tenantId, table }: TenantData,
  page: { readonly category?: string | undefined; readonly after?: string | undefined; readonly limit: number },
): Promise<StoredPage<Product>> {
  const { category, after, limit } = page;
  const partition = category === undefined ? productsOf(tenantId) : categoryOf(tenantId, category);
  const { items, next } = await table.query({ ...partition, ...(after && { after }), limit });
  return { items: items.map((item) => item.data), ...(next !== undefined && { next }) };
}

/** In the order of `ids`; unknown ones are left out. */
export async function findProducts(owner: TenantData, ids: readonly string[]): Promise<Product[]> {
  const found = await Promise.all(ids.map((id) => owner.table.get(productKey(owner.tenantId, id))));
  return found.flatMap((item) => (item ? [item.data] : []));
}

/** Throws NOT_FOUND. */
export async function getProduct({ tenantId, table }: TenantData, productId: string): Promise<StoredProduct> {
  const item = await table.get(productKey(tenantId, productId));
  if (!item) throw new DomainError('NOT_FOUND', 'product not found');
  return { product: item.data, version: item.version };
}

/** Writes a new product together with `further`. Throws CONFLICT if its sku is taken. */
export async function createProduct(owner: TenantData, product: Product, further: readonly Write[]): Promise<void> {
  const item = { ...toPlace(owner.tenantId, product), version: 1, data: product };
  try {
    await owner.table.transact([put(item, 'absent'), claimSku(owner.tenantId, product), ...further]);
  } catch (error) {
    throw error instanceof ConditionFailed && error.failed.includes(1) ? skuTaken() : error;
  }
}

/** Throws NOT_FOUND, CONDITION_FAILED (If-Match), CONFLICT if the new sku is taken. */
export async function changeProduct(
  { tenantId, table }: TenantData,
  productId: string,
  ifMatch: string | undefined,
  change: (product: Product) => ProductInput,
): Promise<StoredProduct> {
  const target = { key: productKey(tenantId, productId), subject: 'product', ifMatch };
  const stored = await rewrite(table, target, ({ data: old }) => {
    const data = { productId, ...change(old) };
    const { indexes } = toPlace(tenantId, data);
    const also = old.sku === data.sku ? [] : [claimSku(tenantId, data), { delete: skuKey(tenantId, old.sku) }];
    return { item: { data, indexes }, also, refusal: skuTaken };
  });
  return { product: stored.data, version: stored.version };
}

/** Throws NOT_FOUND, CONDITION_FAILED (If-Match). */
export async function deleteProduct(
  { tenantId, table }: TenantData,
  productId: string,
  ifMatch: string | undefined,
): Promise<void> {
  const key = productKey(tenantId, productId);
  await rewrite(table, { key, subject: 'product', ifMatch }, ({ data }) => ({
    item: null,
    also: [{ delete: skuKey(tenantId, data.sku) }],
  }));
}

function claimSku(tenantId: string, { sku, productId }: Product): Write {
  const data: SkuClaim = { productId };
  return put({ ...skuKey(tenantId, sku), version: 1, data }, 'absent');
}

function skuTaken(): DomainError {
  const msg = 'is taken by another product';
  return new DomainError('CONFLICT', `sku ${msg}`, { issues: [{ loc: ['body', 'sku'], type: 'taken', msg }] });
}

function toPlace(tenantId: string, { productId, category }: Product): Key<Product> & Required<Pick<Item, 'indexes'>> {
  return {
    ...productKey(tenantId, productId),
    indexes: { g1: { pk: categoryOf(tenantId, category).pk, sk: productId } },
  };
}

function productsOf(tenantId: string): Partition<Product> {
  return { pk: `${tenantId}#products` };
}

function categoryOf(tenantId: string, category: string): Partition<Product> {
  return { index: 'g1', pk: `${tenantId}#products#category#${category}` };
}

function productKey(tenantId: string, productId: string): Key<Product> {
  return { ...productsOf(tenantId), sk: productId };
}

function skuKey(tenantId: string, sku: string): Key<SkuClaim> {
  return { pk: `${tenantId}#products#sku`, sk: sku };
}
