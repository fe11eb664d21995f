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
  const { service, raw } = await loadsOf(run);
  return {
    figure: figure('service-list', service.middle.perSecond, 'req/s', perSecondOf(raw.middle), { atLeast: 10_000 }),
    remarks: remarksOn(service, 'service'),
  };
}

/** The same list through the gateway, which shares the service's core. */
export async function gatewayAndService(run: Run): Promise<Measured> {
  const { both, raw } = await loadsOf(run);
  return {
    figure: figure('gateway-and-service-list', both.middle.perSecond, 'req/s', perSecondOf(raw.middle), {
      atLeast: 6_500,
    }),
    remarks: remarksOn(both, 'gateway'),
  };
}

/**
 * Gateway and nginx proxy to the same task from its core and write one log line a request, so what is compared is
 * requests per second of their own processor time: neither the upstream nor the load can be the bottleneck then.
 */
export async function gatewayBesideNginx(run: Run): Promise<Measured> {
  const { both, nginx, raw } = await loadsOf(run);
  const [id, unit, goal] = ['gateway-beside-nginx', 'req per CPU second', { atLeast: 0.4 }] as const;
  const ours = both.middle.perCpuSecond;
  if (!nginx) {
    const name = 'no nginx here; node:http alone, as many bytes';
    return { figure: figure(id, ours, unit, { name, value: raw.middle.perCpuSecond, unit }, goal, 'nothing') };
  }
  const yardstick = { name: 'nginx with limit_req', value: nginx.middle.perCpuSecond, unit };
  return { figure: figure(id, ours, unit, yardstick, goal, 'ratio') };
}

/** Several looks at the same thing. */
interface Looks {
  readonly all: readonly Loaded[];
  readonly middle: Loaded;
}

interface Loads {
  readonly service: Looks;
  readonly both: Looks;
  /** node:http that answers as many bytes as the list has, on the same core. */
  readonly raw: Looks;
  /** Undefined where it is not installed. */
  readonly nginx: Looks | undefined;
}

/**
 * All loads, in rounds, of which the middle one of each counts: what a machine in a cloud gives the same program halves
 * and doubles from one minute to the next. The others are told beside it.
 */
const loadsOf = oncePer(async (run: Run): Promise<Loads> => {
  const setting = await settingOf(run);
  const { platform, bytes, servicePid, gatewayPid, socket, toService, toGateway } = setting;
  const raw = await startRawServer(bytes);
  const nginx = await startNginx(socket);
  const rounds: { service: Loaded; both: Loaded; raw: Loaded; nginx: Loaded | undefined }[] = [];
  try {
    for (let round = 0; round < run.sizes.loadRounds; round++) {
      rounds.push({
        service: await load(platform, [servicePid], toService),
        both: await load(platform, [servicePid, gatewayPid], toGateway, [gatewayPid]),
        raw: await load(platform, [raw.child.pid ?? 0], { ...toGateway, target: { port: raw.port } }),
        nginx:
          nginx &&
          (await load(
            platform,
            [...nginx.pids, servicePid],
            { ...toService, target: { port: nginx.port } },
            nginx.pids,
          )),
      });
    }
  } finally {
    await stop(raw.child);
    await nginx?.stop();
  }
  return {
    service: looks(rounds.map((one) => one.service)),
    both: looks(rounds.map((one) => one.both)),
    raw: looks(rounds.map((one) => one.raw)),
    nginx: nginx && looks(rounds.flatMap((one) => one.nginx ?? [])),
  };
});

function looks(all: readonly Loaded[]): Looks {
  const middle = all.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(all.length / 2)];
  if (!middle) throw new Error('no load was offered');
  return { all, middle };
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

/** @param timed whose processor time it is */
function remarksOn({ all, middle }: Looks, timed: string): string[] {
  const each = all.length > 1 ? [`the middle of ${all.map(({ perSecond }) => round(perSecond)).join(', ')}`] : [];
  return [...each, `${round(middle.perCpuSecond)} requests per second of the ${timed}'s own time`, middle.remark];
}

function perSecondOf({ perSecond, loadLimits }: Loaded): Yardstick {
  const limited = loadLimits ? ' (as far as the load reaches)' : '';
  return { name: `node:http alone, as many bytes${limited}`, value: perSecond, unit: 'req/s' };
}
