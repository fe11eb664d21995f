import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceStatus, TaskStatus } from '../../core/ports/runtime.ts';
import { eventually, isAlive, request, type TenantRef, TestPlatform } from './harness.ts';

const FAST = { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 1_000_000 } };
const platform = new TestPlatform({ config: { tiers: { basic: FAST, advanced: FAST, premium: FAST } } });
const PRODUCT = { name: 'Beans', sku: 'B-1', category: 'coffee', price: { amount: 1200, currency: 'EUR' } };

interface Status {
  readonly gateway: { pid: number; restarts: number };
  readonly agents: { cluster: string; pid: number; restarts: number; lastFailure?: string }[];
}

let basic: TenantRef & { email: string };
let premium: TenantRef & { email: string };
let tokens: { basic: string; premium: string };

beforeAll(async () => {
  await platform.start();
  basic = await platform.onboard('Pooled', 'basic');
  await platform.onboard('Own services', 'advanced');
  premium = await platform.onboard('Own cluster', 'premium');
  tokens = {
    basic: await platform.tenantToken('Pooled', basic.email),
    premium: await platform.tenantToken('Own cluster', premium.email),
  };
  for (const token of Object.values(tokens)) await platform.api('POST', '/products', token, PRODUCT);
}, 60_000);
afterAll(() => platform.dispose(), 60_000);

async function service(tenantId: string | null, name: string): Promise<ServiceStatus> {
  const all = await platform.cliJson<ServiceStatus[]>('services', 'list');
  const found = all.find((one) => one.tenantId === tenantId && one.service === name);
  if (!found) throw new Error(`no service ${name} of ${tenantId}`);
  return found;
}

async function onlyTask(tenantId: string | null, name: string): Promise<TaskStatus> {
  const [task] = (await service(tenantId, name)).tasks;
  if (!task) throw new Error(`${name} has no task`);
  return task;
}

async function replaced(tenantId: string | null, name: string, pid: number): Promise<ServiceStatus> {
  return eventually(`a new task of ${name}`, async () => {
    const status = await service(tenantId, name);
    return status.tasks.some((task) => task.state === 'healthy' && task.pid !== pid) && status;
  });
}

const productCount = async (token: string) => {
  const response = await platform.api<{ data: object[] }>('GET', '/products', token);
  return response.status === 200 ? response.body.data.length : response.status;
};

describe('a process that dies is replaced, and no other tenant is affected', () => {
  test('OB-5: a killed task is replaced and its cause shown, while other tenants are served', async () => {
    const task = await onlyTask(premium.tenantId, 'products');
    process.kill(task.pid, 'SIGKILL');
    expect(await productCount(tokens.basic)).toBe(1);
    const status = await replaced(premium.tenantId, 'products', task.pid);
    expect(status.restarts).toBe(1);
    expect(status.lastFailure).toContain('SIGKILL');
    await eventually('the tenant is served again', async () => (await productCount(tokens.premium)) === 1);
  }, 30_000);

  test('OB-5: a hung task is replaced', async () => {
    const task = await onlyTask(null, 'products');
    process.kill(task.pid, 'SIGSTOP');
    const status = await replaced(null, 'products', task.pid);
    expect(status.lastFailure).toContain('hung');
    expect(isAlive(task.pid)).toBe(false);
    await eventually('the pool serves again', async () => (await productCount(tokens.basic)) === 1);
  }, 30_000);

  test('a killed agent ends with its tasks and is restarted with them', async () => {
    const before = await onlyTask(premium.tenantId, 'orders');
    const status = await platform.cliJson<Status>('status');
    const agent = status.agents.find(({ cluster }) => cluster === `tenant-${premium.tenantId}`);
    process.kill(agent?.pid ?? 0, 'SIGKILL');
    await eventually('the old task is gone', () => !isAlive(before.pid), 1_000);
    await replaced(premium.tenantId, 'orders', before.pid);
    await eventually('the tenant is served again', async () => (await productCount(tokens.premium)) === 1);
  }, 30_000);

  test('a killed gateway is restarted on the same port, with the mark by which a later start finds it', async () => {
    const { gateway } = await platform.cliJson<Status>('status');
    const { id } = JSON.parse(readFileSync(join(platform.dataDir, 'instance.json'), 'utf8')) as { id: string };
    expect(readFileSync(`/proc/${gateway.pid}/environ`, 'utf8').split('\0')).toContain(`TIERPLANE_INSTANCE=${id}`);
    process.kill(gateway.pid, 'SIGKILL');
    // The gateway listens once it can serve: a request that gets through gets its response, never a 503.
    const first = await eventually('the gateway serves', () => productCount(tokens.basic).catch(() => undefined));
    expect(first).toBe(1);
    expect((await platform.cliJson<Status>('status')).gateway.restarts).toBe(1);
  }, 30_000);
});

describe('a process that hangs is replaced, with the reason in the status', () => {
  const hung = { restarts: expect.any(Number), lastFailure: 'hung', lastFailureAt: expect.stringMatching(/^20.*Z$/) };

  test('OB-5: a hung gateway is killed and restarted within five seconds', async () => {
    const { gateway } = await platform.cliJson<Status>('status');
    const before = performance.now();
    process.kill(gateway.pid, 'SIGSTOP');
    const first = await eventually('the gateway serves', () =>
      request('GET', `${platform.urls.publicUrl}/healthz`).then(
        () => productCount(tokens.basic),
        () => undefined,
      ),
    );
    expect(first).toBe(1);
    process.stderr.write(`a hung gateway was replaced after ${Math.round(performance.now() - before)} ms\n`);
    expect(isAlive(gateway.pid)).toBe(false);
    expect((await platform.cliJson<Status>('status')).gateway).toMatchObject(hung);
    expect(platform.logs()).toContain('the gateway ended or hung');
    // `up` notifies the operator, who may not read the log.
    expect(platform.stderr).toContain('the gateway is being replaced: hung');
  }, 30_000);

  test('OB-5: a hung agent is killed and restarted with its tasks, and other tenants are served', async () => {
    const before = await onlyTask(premium.tenantId, 'products');
    const cluster = `tenant-${premium.tenantId}`;
    const { agents } = await platform.cliJson<Status>('status');
    process.kill(agents.find((agent) => agent.cluster === cluster)?.pid ?? 0, 'SIGSTOP');
    expect(await productCount(tokens.basic)).toBe(1);
    await replaced(premium.tenantId, 'products', before.pid);
    await eventually('the tenant is served again', async () => (await productCount(tokens.premium)) === 1);
    const after = await platform.cliJson<Status>('status');
    expect(after.agents.find((agent) => agent.cluster === cluster)).toMatchObject(hung);
    expect((await platform.cli('status')).stdout).toMatch(/the last one at 20\S+Z: hung/);
    expect(platform.stderr).toContain(`the agent of cluster ${cluster} is being replaced: hung`);
  }, 30_000);

  test('OB-5: the gateway reports a platform that hangs as not ready, and serves tenants meanwhile', async () => {
    const ready = async () => (await request('GET', `${platform.urls.publicUrl}/readyz`)).status;
    process.kill(platform.pid, 'SIGSTOP');
    try {
      expect(await ready()).toBe(503);
      expect(await productCount(tokens.basic)).toBe(1);
    } finally {
      process.kill(platform.pid, 'SIGCONT');
    }
    await eventually('the platform is ready again', async () => (await ready()) === 200);
  }, 30_000);
});

describe('planned changes', () => {
  test('DE-3: a rolling replacement under load fails no request', async () => {
    const statuses = new Map<number, number>();
    let running = true;
    const load = Array.from({ length: 8 }, async () => {
      while (running) {
        const { status } = await platform.api('GET', '/products', tokens.premium);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    const before = await onlyTask(premium.tenantId, 'products');
    try {
      await platform.cliJson('services', 'restart', '--tenant', 'Own cluster');
    } finally {
      running = false;
      await Promise.all(load);
    }
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(20);
    expect((await onlyTask(premium.tenantId, 'products')).pid).not.toBe(before.pid);
  }, 60_000);

  test('a service is scaled up and down, and its desired count survives a restart of the platform', async () => {
    await platform.cliJson('services', 'scale', '--tenant', 'Own cluster', '--service', 'users', '--desired', '2');
    expect((await service(premium.tenantId, 'users')).tasks.filter(({ state }) => state === 'healthy')).toHaveLength(2);
    const tooMany = await platform.cli(
      'services',
      'scale',
      '--tenant',
      'Own cluster',
      '--service',
      'users',
      '--desired',
      '16',
    );
    expect(tooMany.code).toBe(4);
    await platform.stop();
    await platform.start();
    await eventually('both tasks', async () => {
      // The restart may not have listed it yet.
      const users = await service(premium.tenantId, 'users').catch(() => undefined);
      return users?.tasks.filter(({ state }) => state === 'healthy').length === 2;
    });
    expect((await service(premium.tenantId, 'users')).desired).toBe(2);
  }, 60_000);
});

describe('another address', () => {
  test('a platform restarted on another port updates the sign-in address of every tenant', async () => {
    await platform.stop();
    await platform.start('0');
    await eventually('the new configuration', async () => {
      const config = await request<{ authServer: string }>('GET', `${platform.urls.controlPlane}/tenant-config/pooled`);
      return config.body.authServer.startsWith(platform.urls.publicUrl);
    });
    tokens = {
      basic: await platform.tenantToken('Pooled', basic.email),
      premium: await eventually('the premium realm', () =>
        platform.tenantToken('Own cluster', premium.email).catch(() => undefined),
      ),
    };
    await eventually('the pool serves', async () => (await productCount(tokens.basic)) === 1);
    await eventually('the silo serves', async () => (await productCount(tokens.premium)) === 1);
  }, 60_000);
});

describe('a crash of the platform', () => {
  test('kill -9 of the platform and all agents ends every process within a second, and a restart restores every tenant', async () => {
    const status = await platform.cliJson<Status>('status');
    const all = await platform.cliJson<ServiceStatus[]>('services', 'list');
    const tasks = all.flatMap((one) => one.tasks.map((task) => task.pid));
    const blocked = await onlyTask(null, 'orders');
    process.kill(blocked.pid, 'SIGSTOP');
    const agents = status.agents.map(({ pid }) => pid);
    for (const pid of [platform.pid, ...agents]) process.kill(pid, 'SIGKILL');
    const everything = [...agents, ...tasks, status.gateway.pid];
    await eventually('everything is gone', () => everything.filter(isAlive).length === 0, 1_000);
    await platform.ended();

    await platform.start();
    await eventually('the pool serves again', async () => (await productCount(tokens.basic)) === 1);
    await eventually(
      'the premium tenant is served again',
      async () => (await productCount(tokens.premium)) === 1,
      30_000,
    );
  }, 60_000);
});
