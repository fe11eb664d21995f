import type { LoadOrder } from './load-client.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import { CORES, cpuSecondsOf, generateLoad, servedPerSecond, treeOf, withServerCore } from './processes.ts';

const PRODUCTS = 10;
export const CONNECTIONS = 50;
/** Above this share of a core, the load generator may be the bottleneck. */
const LOAD_LIMIT = 0.9;

/** The result of a load. */
export interface Loaded {
  readonly perSecond: number;
  /** Requests per second of processor time of the timed processes. */
  readonly perCpuSecond: number;
  /** Whether the load generator used nearly a whole core, so that the server may be capable of more. */
  readonly loadLimits: boolean;
  /** How much of their shared core the load generator and the rest of the platform used. */
  readonly remark: string;
}

/**
 * Generates load for processes that have one core to themselves.
 * @param timed the processes whose processor time counts
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
    const result = await generateLoad(order);
    const took = { timed: cpuSecondsOf(timed) - before.timed, beside: cpuSecondsOf(beside) - before.beside };
    const perSecond = servedPerSecond(result);
    const perCpuSecond = (perSecond * order.seconds) / took.timed;
    return {
      perSecond,
      perCpuSecond,
      loadLimits: result.cpuShare > LOAD_LIMIT,
      remark: remarkOn(result.cpuShare, took.beside / order.seconds),
    };
  });
}

/** Shares are of one core. */
function remarkOn(loadShare: number, restShare: number): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const limit = loadShare > LOAD_LIMIT ? ' and may be the bottleneck' : '';
  const where = CORES ? 'the other core' : 'a core (processes could not be pinned)';
  return `the load generator used ${percent(loadShare)} of ${where}${limit}; the rest of the platform used ${percent(restShare)}`;
}

/**
 * Requests for the list of ten products, one per token. A service that gets them without the gateway finds the role in the
 * gateway's header, as it always does; the gateway itself drops the header.
 */
export function listRequests(path: string, tokens: readonly string[]): string[] {
  const role = 'x-tierplane-role: TenantAdmin\r\n';
  return tokens.map(
    (token) =>
      `GET ${path}?limit=${PRODUCTS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n${role}\r\n`,
  );
}

/** Creates ten products for a tenant. @returns the length of their list in bytes */
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
    const created = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (created.status !== 201) throw new Error(`creating a product failed: ${created.status} ${await created.text()}`);
  }
  const list = await fetch(`${url}?limit=${PRODUCTS}`, { headers: { authorization } });
  const text = await list.text();
  const { data } = JSON.parse(text) as { data?: object[] };
  if (data?.length !== PRODUCTS) throw new Error(`the list has ${data?.length} products`);
  return Buffer.byteLength(text);
}

/** The pid and the socket of a products task. @param tenantId null for the pooled task */
export async function productsTask(platform: PlatformUnderTest, tenantId: string | null) {
  const services = await platform.services();
  const task = services.find((one) => one.tenantId === tenantId && one.service === 'products')?.tasks[0];
  if (!task) throw new Error('no products task is running');
  return { pid: task.pid, socket: task.endpoint };
}
