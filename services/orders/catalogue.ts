import { Pool } from 'undici';
import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { Money } from '../../core/fields/money.ts';
import { type Endpoint, type ServiceDirectory, socketPathOf } from '../kit/directory.ts';

/** The caller on whose behalf the products service is called. */
export interface Caller {
  readonly tenantId: string;
  readonly role: string;
  readonly authorization: string;
  readonly requestId: string;
}

/** What the orders service needs from the products service. */
export interface Catalogue {
  /**
   * Current prices of the caller's products, by at most 100 ids. Unknown products are left out.
   * Throws UNAVAILABLE if no task of products responds, UNAUTHENTICATED or FORBIDDEN if products refuses the caller.
   */
  prices(caller: Caller, productIds: readonly string[]): Promise<ReadonlyMap<string, Money>>;
  close(): Promise<void>;
}

const ATTEMPTS = 3;
const TIMEOUT_MS = 2_000;
/** Most connections to one endpoint of products. */
const CONNECTIONS = 16;

const Prices = z.object({ data: z.array(z.object({ productId: z.string(), price: Money })) });

/** Calls a task of products that the service directory lists, by its endpoint. */
export function createCatalogue(directory: ServiceDirectory): Catalogue {
  const pools = new Map<Endpoint, Pool>();
  let turn = 0;

  /** Closes the pools of endpoints that the directory no longer lists: no new task uses their addresses. */
  function nextPool(): Pool | undefined {
    const endpoints = directory.endpoints('products');
    for (const [endpoint, pool] of pools) {
      if (endpoints.includes(endpoint)) continue;
      pools.delete(endpoint);
      void pool.close();
    }
    const endpoint = endpoints[turn++ % endpoints.length];
    if (endpoint === undefined) return undefined;
    const pool = pools.get(endpoint) ?? openPool(endpoint);
    pools.set(endpoint, pool);
    return pool;
  }

  /** Undefined if this task does not respond; another one may. */
  async function fetchPrices(pool: Pool, path: string, caller: Caller): Promise<z.output<typeof Prices> | undefined> {
    const response = await pool
      .request({
        method: 'GET',
        path,
        headers: {
          authorization: caller.authorization,
          'x-request-id': caller.requestId,
          'x-tierplane-tenant': caller.tenantId,
          'x-tierplane-role': caller.role,
        },
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      .then(async ({ statusCode, body }) => ({ status: statusCode, text: await body.text() }))
      .catch(() => undefined);
    if (!response || response.status >= 500) return undefined;
    if (response.status === 401) throw new DomainError('UNAUTHENTICATED', 'the token must be current');
    if (response.status === 403) throw new DomainError('FORBIDDEN', 'products refused the caller');
    if (response.status !== 200)
      throw new DomainError('INTERNAL', `the products service must respond with 200 to a list, got ${response.status}`);
    return Prices.parse(JSON.parse(response.text));
  }

  return {
    async prices(caller, productIds) {
      const path = `/v1/products?ids=${productIds.map(encodeURIComponent).join(',')}`;
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const pool = nextPool();
        const page = pool && (await fetchPrices(pool, path, caller));
        if (page) return new Map(page.data.map(({ productId, price }) => [productId, price]));
      }
      throw new DomainError('UNAVAILABLE', 'the products service does not respond; try again');
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

function openPool(endpoint: Endpoint): Pool {
  const socketPath = socketPathOf(endpoint);
  if (socketPath === undefined) return new Pool(endpoint, { connections: CONNECTIONS });
  return new Pool('http://products', { socketPath, connections: CONNECTIONS });
}
