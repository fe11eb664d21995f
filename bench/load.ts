import type { LoadOrder } from './load-client.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import { allServed, CORES, cpuSecondsOf, offer, treeOf, withServerCore } from './processes.ts';

const PRODUCTS = 10;
export const CONNECTIONS = 50;
/** From here on the load, and not what it is offered to, may be what limits. */
const LOAD_LIMIT = 0.9;

/** What a load found. */
export interface Loaded {
  readonly perSecond: number;
  /** Of one second of the timed processes' own time. */
  readonly perCpuSecond: number;
  /** Whether offering the load took nearly a whole core: what it was offered to may be able to do more. */
  readonly loadLimits: boolean;
  /** How far the load and the rest of the platform, which share a core, were from disturbing the result. */
  readonly remark: string;
}

/**
 * Offers load to processes, of this platform or beside it, that have one core to themselves.
 * @param timed those of them whose processor time counts
 */
export function load(
  platform: PlatformUnderTest,
  pids: readonly number[],
  order: LoadOrder,
  timed = pids,
): Promise<Loaded> {
  const beside = treeOf(platform.pid).filter((pid) => !pids.includes(pid));
  return withServerCore(pids, beside, async () => {
    const before = { timed: cpuSecondsOf(timed), beside: cpuSecondsOf(beside) };
    const result = await offer(order);
    const took = { timed: cpuSecondsOf(timed) - before.timed, beside: cpuSecondsOf(beside) - before.beside };
    const perSecond = allServed(result);
    const perCpuSecond = (perSecond * order.seconds) / took.timed;
    return {
      perSecond,
      perCpuSecond,
      loadLimits: result.cpuShare > LOAD_LIMIT,
      remark: remarkOn(result.cpuShare, took.beside / order.seconds),
    };
  });
}

/** @param loadShare and restShare of one core */
function remarkOn(loadShare: number, restShare: number): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const limit = loadShare > LOAD_LIMIT ? ' and may be what limits' : '';
  const where = CORES ? 'the other core' : 'a core, and nothing could be pinned';
  return `the load took ${percent(loadShare)} of ${where}${limit}; the rest of the platform ${percent(restShare)}`;
}

/** Requests for the product list of ten, one for each token. */
export function listRequests(path: string, tokens: readonly string[]): string[] {
  return tokens.map(
    (token) => `GET ${path}?limit=${PRODUCTS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
}

/** Gives a tenant its ten products. @returns bytes of their list */
export async function createProducts(platform: PlatformUnderTest, token: string): Promise<number> {
  const authorization = `Bearer ${token}`;
  const url = `${platform.urls.api}/products`;
  for (let n = 0; n < PRODUCTS; n++) {
    const body = {
      name: `Product ${n}`,
      sku: `SKU-${n}`,
      category: 'bench',
      price: { amount: 1_000 + n, currency: 'EUR' },
    };
    const made = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (made.status !== 201) throw new Error(`a product was refused: ${made.status} ${await made.text()}`);
  }
  const list = await fetch(`${url}?limit=${PRODUCTS}`, { headers: { authorization } });
  const text = await list.text();
  const { data } = JSON.parse(text) as { data?: object[] };
  if (data?.length !== PRODUCTS) throw new Error(`the list has ${data?.length} products`);
  return Buffer.byteLength(text);
}

/** Pid and socket of a products task: a tenant's own, or the pooled one. */
export async function productsTask(platform: PlatformUnderTest, tenantId: string | null) {
  const services = await platform.services();
  const task = services.find((one) => one.tenantId === tenantId && one.service === 'products')?.tasks[0];
  if (!task) throw new Error('no products task');
  return { pid: task.pid, socket: task.endpoint };
}
