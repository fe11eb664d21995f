import { figure, type Measured, round, type Yardstick } from './figure.ts';
import { CONNECTIONS, createProducts, type Loaded, listRequests, load, productsTask } from './load.ts';
import type { LoadOrder } from './load-client.ts';
import { startNginx } from './nginx.ts';
import { oncePer } from './once-per.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import type { Run } from './run.ts';
import { stop } from './scratch.ts';
import { startRawServer } from './yardsticks.ts';

/** Ten products of one advanced tenant, asked for by 50 connections, from its service without the gateway. */
export async function serviceAlone(run: Run): Promise<Measured> {
  const { platform, servicePid, toService } = await settingOf(run);
  const alone = await load(platform, [servicePid], toService);
  const raw = perSecondOf(await rawServer(run));
  return {
    figure: figure('service-list', alone.perSecond, 'req/s', raw, { atLeast: 10_000 }),
    remarks: remarksOn(alone, 'service'),
  };
}

/** The same list through the gateway, which shares the service's core. */
export async function gatewayAndService(run: Run): Promise<Measured> {
  const both = await throughGateway(run);
  const raw = perSecondOf(await rawServer(run));
  return {
    figure: figure('gateway-and-service-list', both.perSecond, 'req/s', raw, { atLeast: 6_500 }),
    remarks: remarksOn(both, 'gateway'),
  };
}

/**
 * Gateway and nginx proxy to the same task from its core and write one log line a request, so what is compared is
 * requests per second of their own processor time: neither the upstream nor the load can be the bottleneck then.
 */
export async function gatewayBesideNginx(run: Run): Promise<Measured> {
  const { platform, servicePid, socket, toService } = await settingOf(run);
  const { perCpuSecond: ours } = await throughGateway(run);
  const [id, unit, goal] = ['gateway-beside-nginx', 'req per CPU second', { atLeast: 0.4 }] as const;
  const nginx = await startNginx(socket);
  if (!nginx) {
    const { perCpuSecond: value } = await rawServer(run);
    const raw = { name: 'no nginx here; node:http alone, as many bytes', value, unit };
    return { figure: figure(id, ours, unit, raw, goal, 'nothing') };
  }
  try {
    const order = { ...toService, target: { port: nginx.port } };
    const { perCpuSecond: value } = await load(platform, [...nginx.pids, servicePid], order, nginx.pids);
    return { figure: figure(id, ours, unit, { name: 'nginx with limit_req', value, unit }, goal, 'ratio') };
  } finally {
    await nginx.stop();
  }
}

interface Setting {
  readonly platform: PlatformUnderTest;
  /** Of the product list. */
  readonly bytes: number;
  readonly servicePid: number;
  readonly socket: string;
  readonly gatewayPid: number;
  readonly toService: LoadOrder;
  readonly toGateway: LoadOrder;
}

/** One advanced tenant with ten products; its service and the gateway are warm. */
const settingOf = oncePer(async (run: Run): Promise<Setting> => {
  const { seconds, warmUpSeconds } = run.sizes;
  const platform = await run.platform();
  const tenantId = await platform.register('busy', 'advanced', true);
  await platform.untilActive(tenantId);
  const token = await platform.tenantToken('busy');
  const bytes = await createProducts(platform, token);
  const { pid: servicePid, socket } = await productsTask(platform, tenantId);
  const gatewayPid = await platform.gatewayPid();
  const to = { connections: CONNECTIONS, seconds };
  const toService = { ...to, target: { path: socket }, request: listRequests('/products', [token]) };
  const toGateway = { ...to, target: { port: platform.port }, request: listRequests('/api/products', [token]) };
  await load(platform, [servicePid, gatewayPid], { ...toGateway, seconds: warmUpSeconds });
  return { platform, bytes, servicePid, socket, gatewayPid, toService, toGateway };
});

/** Requests per second of both, and per second of the gateway's own time. */
const throughGateway = oncePer(async (run: Run): Promise<Loaded> => {
  const { platform, servicePid, gatewayPid, toGateway } = await settingOf(run);
  return load(platform, [servicePid, gatewayPid], toGateway, [gatewayPid]);
});

/** node:http that answers as many bytes as the list has, on the same core. */
const rawServer = oncePer(async (run: Run): Promise<Loaded> => {
  const { platform, bytes, toGateway } = await settingOf(run);
  const { child, port } = await startRawServer(bytes);
  try {
    return await load(platform, [child.pid ?? 0], { ...toGateway, target: { port } });
  } finally {
    await stop(child);
  }
});

/** @param timed whose processor time it is */
function remarksOn({ perCpuSecond, remark }: Loaded, timed: string): string[] {
  return [`${round(perCpuSecond)} requests per second of the ${timed}'s own time`, remark];
}

function perSecondOf({ perSecond, loadLimits }: Loaded): Yardstick {
  const limited = loadLimits ? ' (as far as the load reaches)' : '';
  return { name: `node:http alone, as many bytes${limited}`, value: perSecond, unit: 'req/s' };
}
