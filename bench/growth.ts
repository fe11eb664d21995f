import { type CurvePoint, figure, type Measured, percentile, round } from './figure.ts';
import { CONNECTIONS, createProducts, listRequests, load, productsTask } from './load.ts';
import type { LoadOrder } from './load-client.ts';
import { lowestMemory, MB } from './memory.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import type { Run } from './run.ts';
import { durableCommit } from './yardsticks.ts';

/** The number of tenants that send all requests, however many tenants there are. */
const CALLERS = 10;
const PAGES = 20;

/**
 * Onboards basic tenants as fast as possible, up to ten times as many at each step, and measures the costs at each size.
 * The figure is the onboarding rate of the last, largest step.
 */
export async function growth(run: Run): Promise<Measured> {
  const { tenants, curveWarmUpSeconds } = run.sizes;
  const platform = await run.platform();
  const commit = await durableCommit(run);
  const order = await requestsOfCallers(platform, run.sizes.pointSeconds);
  await offerList(platform, { ...order, seconds: curveWarmUpSeconds });
  const curve = [await pointOf(run, order, null, null)];
  for (let size = CALLERS * 10; size <= tenants; size *= 10) {
    const count = size - platform.basicTenants;
    const perSecond = (count * 1000) / (await platform.onboardBasic(count));
    curve.push(await pointOf(run, order, perSecond, curve.at(-1) ?? null));
  }
  const rate = curve.at(-1)?.onboardedPerSecond ?? Number.NaN;
  const commits = {
    name: 'sequential durable SQLite commits',
    value: 1000 / commit.value,
    unit: 'commits/s',
  };
  return {
    figure: figure('onboarding-basic-sustained', rate, 'tenants/s', commits, { atLeast: 300 }),
    remarks: [`one durable commit (fsync) takes ${round(commit.value)} ms here`],
    curve,
  };
}

/** The requests of ten basic tenants with ten products each. Their tokens are distributed over the connections. */
async function requestsOfCallers(platform: PlatformUnderTest, seconds: number): Promise<LoadOrder> {
  const tokens = await Promise.all(
    Array.from({ length: CALLERS }, async (_, n) => {
      await platform.untilActive(await platform.register(`caller-${n}`, 'basic', true));
      const token = await platform.tenantToken(`caller-${n}`);
      await createProducts(platform, token);
      return token;
    }),
  );
  platform.basicTenants += CALLERS;
  const request = listRequests('/api/products', tokens);
  return { target: { port: platform.port }, request, connections: CONNECTIONS, seconds };
}

async function offerList(platform: PlatformUnderTest, order: LoadOrder) {
  const pooled = await productsTask(platform, null);
  return load(platform, [pooled.pid, await platform.gatewayPid()], order);
}

/** @param onboardedPerSecond since `before`, the previous point; both are null at the first */
async function pointOf(
  run: Run,
  order: LoadOrder,
  onboardedPerSecond: number | null,
  before: CurvePoint | null,
): Promise<CurvePoint> {
  const platform = await run.platform();
  const tenants = platform.basicTenants;
  const listPageMs = round(await listPage(platform));
  // A task that was idle during onboarding must compile its hot code again.
  if (!run.sizes.quick) await offerList(platform, order);
  const { perCpuSecond } = await offerList(platform, order);
  const memoryMB = (await lowestMemory(platform, run.sizes.releaseMs)) / MB;
  return {
    tenants,
    onboardedPerSecond: onboardedPerSecond && round(onboardedPerSecond),
    listPageMs,
    cpuMsPerRequest: round(1000 / perCpuSecond),
    memoryMB: round(memoryMB),
    memoryKBPerTenant: before && round(((memoryMB - before.memoryMB) * 1000) / (tenants - before.tenants)),
  };
}

/** The median of several requests for the first page of the tenant list. */
async function listPage(platform: PlatformUnderTest): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < PAGES; n++) {
    const start = performance.now();
    await platform.admin('GET', '/tenants?limit=10');
    times.push(performance.now() - start);
  }
  return percentile(times, 0.5);
}
