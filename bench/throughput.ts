import { figure, type Measured, round, type Yardstick } from './figure.ts';
import { CONNECTIONS, createProducts, type Loaded, listRequests, load, productsTask } from './load.ts';
import type { LoadOrder } from './load-client.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { oncePer } from './once-per.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import type { Run } from './run.ts';
import { stop } from './scratch.ts';
import { startRawServer } from './yardsticks.ts';

/** Requests for a list of ten products of one advanced tenant, over 50 connections directly to its service. */
export async function serviceAlone(run: Run): Promise<Measured> {
  const { service, raw } = await loadsOf(run);
  return {
    figure: figure('service-list', service.median.perSecond, 'req/s', perSecondOf(raw.median), { atLeast: 10_000 }),
    remarks: remarksOn(service, 'service'),
  };
}

/** The same list through the gateway, which shares the service's core. */
export async function gatewayAndService(run: Run): Promise<Measured> {
  const { both, raw } = await loadsOf(run);
  return {
    figure: figure('gateway-and-service-list', both.median.perSecond, 'req/s', perSecondOf(raw.median), {
      atLeast: 6_500,
    }),
    remarks: remarksOn(both, 'gateway'),
  };
}

/**
 * Compares gateway and nginx by requests per second of their own processor time, so that neither the upstream nor the load
 * generator is a bottleneck. Both proxy to the same task, on its core, and write one log line per request.
 */
export async function gatewayBesideNginx(run: Run): Promise<Measured> {
  const { both, nginx, raw } = await loadsOf(run);
  const [id, unit, goal] = ['gateway-beside-nginx', 'req per CPU second', { atLeast: 0.4 }] as const;
  const ours = both.median.perCpuSecond;
  if (!nginx) {
    const name = 'node:http alone with as many bytes (nginx is not installed)';
    return { figure: figure(id, ours, unit, { name, value: raw.median.perCpuSecond, unit }, goal, 'nothing') };
  }
  const yardstick = { name: 'nginx with limit_req', value: nginx.median.perCpuSecond, unit };
  return { figure: figure(id, ours, unit, yardstick, goal, 'ratio') };
}

/** Several measurements of the same load. */
interface Samples {
  readonly all: readonly Loaded[];
  readonly median: Loaded;
}

interface Loads {
  readonly service: Samples;
  readonly both: Samples;
  /** A bare node:http server on the same core that responds with as many bytes as the list has. */
  readonly raw: Samples;
  /** Undefined if nginx is not installed. */
  readonly nginx: Samples | undefined;
}

/** One round of all loads. */
interface Round {
  readonly service: Loaded;
  readonly both: Loaded;
  readonly raw: Loaded;
  readonly nginx: Loaded | undefined;
}

/**
 * All loads, in several rounds. The median of each load counts, because the speed of a virtual machine can halve and double
 * from one minute to the next. The remarks list all rounds.
 */
const loadsOf = oncePer(async (run: Run): Promise<Loads> => {
  const setting = await settingOf(run);
  const raw = await startRawServer(setting.bytes);
  const nginx = await startNginx(setting.socket);
  const rounds: Round[] = [];
  try {
    for (let n = 0; n < run.sizes.loadRounds; n++) rounds.push(await loadRound(setting, raw, nginx));
  } finally {
    await stop(raw.child);
    await nginx?.stop();
  }
  return {
    service: samplesOf(rounds.map((one) => one.service)),
    both: samplesOf(rounds.map((one) => one.both)),
    raw: samplesOf(rounds.map((one) => one.raw)),
    nginx: nginx && samplesOf(rounds.flatMap((one) => one.nginx ?? [])),
  };
});

async function loadRound(
  { platform, servicePid, gatewayPid, toService, toGateway }: Setting,
  raw: Awaited<ReturnType<typeof startRawServer>>,
  nginx: Nginx | undefined,
): Promise<Round> {
  const loadNginx = ({ pids, port }: Nginx) =>
    load(platform, [...pids, servicePid], { ...toService, target: { port } }, pids);
  return {
    service: await load(platform, [servicePid], toService),
    both: await load(platform, [servicePid, gatewayPid], toGateway, [gatewayPid]),
    raw: await load(platform, [raw.child.pid ?? 0], { ...toGateway, target: { port: raw.port } }),
    nginx: nginx && (await loadNginx(nginx)),
  };
}

function samplesOf(all: readonly Loaded[]): Samples {
  const median = all.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(all.length / 2)];
  if (!median) throw new Error('there was no load');
  return { all, median };
}

interface Setting {
  readonly platform: PlatformUnderTest;
  /** The length of the product list. */
  readonly bytes: number;
  readonly servicePid: number;
  readonly socket: string;
  readonly gatewayPid: number;
  readonly toService: LoadOrder;
  readonly toGateway: LoadOrder;
}

/** One advanced tenant with ten products, and a warmed-up service and gateway. */
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

/** @param timed the process whose processor time counts */
function remarksOn({ all, median }: Samples, timed: string): string[] {
  const each = all.length > 1 ? [`the median of ${all.map(({ perSecond }) => round(perSecond)).join(', ')}`] : [];
  return [...each, `${round(median.perCpuSecond)} requests per second of the ${timed}'s own time`, median.remark];
}

function perSecondOf({ perSecond, loadLimits }: Loaded): Yardstick {
  const limited = loadLimits ? ' (limited by the load generator)' : '';
  return { name: `node:http alone with as many bytes${limited}`, value: perSecond, unit: 'req/s' };
}
