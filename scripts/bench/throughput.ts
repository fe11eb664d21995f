import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { figure, type Measured, type Sizes, type Yardstick } from './figure.ts';
import type { LoadOrder } from './load-client.ts';
import { startNginx } from './nginx.ts';
import { PlatformUnderTest } from './platform-under-test.ts';
import { allServed, cpuSecondsOf, offer, onCore, pin, SERVER_CORE, stop } from './processes.ts';

const CONNECTIONS = 50;
const PRODUCTS = 10;
/** Compilers have settled by then. */
const WARM_UP_SECONDS = 5;

interface Setting {
  readonly platform: PlatformUnderTest;
  readonly token: string;
  readonly socket: string;
  readonly gatewayPid: number;
  readonly gatewayPort: number;
  readonly seconds: number;
}

/** A list of ten products: from the service alone, with the gateway on the same core, and the gateway beside nginx. */
export async function throughput({ seconds }: Sizes): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    const setting = await prepare(platform, seconds);
    const size = await listSize(setting);
    const raw = await rawThroughput(size, seconds);
    await offer({ ...orderTo({ port: setting.gatewayPort }, '/api/products', setting), seconds: WARM_UP_SECONDS });
    const alone = allServed(await offer(orderTo({ path: setting.socket }, '/products', setting)));
    const both = allServed(await offer(orderTo({ port: setting.gatewayPort }, '/api/products', setting)));
    return {
      figures: [
        figure('service-list', alone, 'req/s', raw, { atLeast: 10_000 }),
        figure('gateway-and-service-list', both, 'req/s', raw, { atLeast: 6_500 }),
        await gatewayBesideNginx(setting, raw),
      ],
    };
  } finally {
    await platform.dispose();
  }
}

/** One advanced tenant with ten products; its service and the gateway pinned to one core. */
async function prepare(platform: PlatformUnderTest, seconds: number): Promise<Setting> {
  await platform.start();
  const tenantId = await platform.register('busy', 'advanced', true);
  await platform.untilActive(tenantId);
  const token = await platform.tenantToken('busy');
  for (let n = 0; n < PRODUCTS; n++) {
    const made = await fetch(`${platform.urls.api}/products`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        name: `Product ${n}`,
        sku: `SKU-${n}`,
        category: 'bench',
        price: { amount: 1_000 + n, currency: 'EUR' },
      }),
    });
    if (made.status !== 201) throw new Error(`product was refused: ${made.status}`);
  }
  const { data: services } = await platform.admin<{ data: ServiceStatus[] }>('GET', '/operator/services');
  const task = services.find((one) => one.tenantId === tenantId && one.service === 'products')?.tasks[0];
  const { data: status } = await platform.admin<{ data: { gateway: { pid: number } } }>('GET', '/operator/status');
  if (!task) throw new Error('no products task');
  pin(task.pid, SERVER_CORE);
  pin(status.gateway.pid, SERVER_CORE);
  const gatewayPort = Number(new URL(platform.urls.front).port);
  return { platform, token, socket: task.endpoint, gatewayPid: status.gateway.pid, gatewayPort, seconds };
}

function orderTo(target: LoadOrder['target'], path: string, { token, seconds }: Setting): LoadOrder {
  const request = `GET ${path}?limit=${PRODUCTS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`;
  return { target, request, connections: CONNECTIONS, seconds };
}

async function listSize({ platform, token }: Setting): Promise<number> {
  const answer = await fetch(`${platform.urls.api}/products?limit=${PRODUCTS}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return (await answer.arrayBuffer()).byteLength;
}

async function rawThroughput(bytes: number, seconds: number): Promise<Yardstick> {
  const [command, args] = onCore(SERVER_CORE, [
    process.execPath,
    join(import.meta.dirname, 'raw-server.ts'),
    String(bytes),
  ]);
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = await once(server.stdout, 'data');
    const request = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const load = await offer({ target: { port: Number(port) }, request, connections: CONNECTIONS, seconds });
    return { name: 'node:http alone, as many bytes', value: allServed(load), unit: 'req/s' };
  } finally {
    await stop(server);
  }
}

/**
 * Both proxy to the same task and write one log line a request, so what is compared is requests per second of their own
 * CPU time: neither the upstream nor the load can be the bottleneck then.
 */
async function gatewayBesideNginx(setting: Setting, raw: Yardstick) {
  const { gatewayPid, gatewayPort, socket, seconds } = setting;
  const ours = await perCpuSecond([gatewayPid], seconds, orderTo({ port: gatewayPort }, '/api/products', setting));
  const nginx = await startNginx(socket);
  if (!nginx) return figure('gateway-beside-nginx', ours, 'req per CPU second', raw, { atLeast: 0.4 }, 'nothing');
  try {
    const theirs = await perCpuSecond(nginx.pids, seconds, orderTo({ port: nginx.port }, '/products', setting));
    const yardstick = { name: 'nginx with limit_req', value: theirs, unit: 'req per CPU second' };
    return figure('gateway-beside-nginx', ours, 'req per CPU second', yardstick, { atLeast: 0.4 }, 'ratio');
  } finally {
    await nginx.stop();
  }
}

async function perCpuSecond(pids: readonly number[], seconds: number, order: LoadOrder): Promise<number> {
  const before = cpuSecondsOf(pids);
  const perSecond = allServed(await offer(order));
  return (perSecond * seconds) / (cpuSecondsOf(pids) - before);
}
