import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceKey } from '../../../../core/ports/runtime.ts';
import { until } from '../../../support/until.ts';
import {
  getFrom,
  isAlive,
  parentOf,
  pooled,
  premium,
  processesOf,
  SIZE,
  silo,
  startPlatform,
  statusOf,
  type TestPlatform,
  taskOf,
} from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

/** The sockets that a gateway would use for a service. */
function socketsOf({ cluster, tenantId, service }: ServiceKey): { current: readonly string[]; close(): void } {
  const sockets = { current: [] as readonly string[], close: () => {} };
  sockets.close = platform.runtime.onEndpoints((all) => {
    sockets.current =
      all.find((one) => one.cluster === cluster && one.tenantId === tenantId && one.service === service)?.sockets ?? [];
  });
  return sockets;
}

describe('a task', () => {
  test("gets its own environment, and nothing of the platform's", async () => {
    const spec = silo('tenantenv1', { environment: { TIERPLANE_TIER: 'advanced' } });
    process.env.TIERPLANE_TEST_SECRET = 'do not inherit';
    await platform.runtime.ensureService(spec);
    delete process.env.TIERPLANE_TEST_SECRET;
    const { endpoint } = await taskOf(platform.runtime, spec);
    const { body } = await getFrom(endpoint, '/whoami');
    expect(body.env).toEqual({
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: join(platform.dataDir, 'cache/code'),
      NODE_CHANNEL_FD: undefined,
      TIERPLANE_INSTANCE: platform.instance,
      TIERPLANE_SERVICE: 'echo',
      TIERPLANE_TENANT: 'tenantenv1',
      TIERPLANE_TASK_ID: body.task,
      TIERPLANE_SOCKET: endpoint,
      TIERPLANE_DATA_FILE: join(platform.dataDir, 'tenants/tenantenv1/echo.db'),
      TIERPLANE_TIER: 'advanced',
    });
    expect(body.execArgv).toContain('--max-old-space-size=184');
  });

  test('TI-4: knows only the sockets of its own tenant and cluster', async () => {
    const [own, sibling, foreign] = [silo('tenantdir1'), silo('tenantdir1', { service: 'other' }), silo('tenantdir10')];
    await Promise.all([own, sibling, foreign].map((spec) => platform.runtime.ensureService(spec)));
    const [echo, other] = [await taskOf(platform.runtime, own), await taskOf(platform.runtime, sibling)];
    const expected = { echo: [echo.endpoint], other: [other.endpoint] };
    await until(async () => {
      const seen = [await getFrom(echo.endpoint, '/directory'), await getFrom(other.endpoint, '/directory')];
      return seen.every(
        ({ body }) => JSON.stringify(Object.entries(body).sort()) === JSON.stringify(Object.entries(expected)),
      );
    });
  });

  test('writes its output to its own log, which no other user may read', async () => {
    const spec = silo('tenantlog1');
    await platform.runtime.ensureService(spec);
    const file = join(platform.dataDir, 'logs/shared.tenantlog1.echo.log');
    expect(readFileSync(file, 'utf8')).toContain('"msg":"listening"');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('OB-5: is replaced when it is killed, and the service reports the cause', async () => {
    const spec = silo('tenantkill1');
    await platform.runtime.ensureService(spec);
    const first = await taskOf(platform.runtime, spec);
    process.kill(first.pid, 'SIGKILL');
    const second = await until(async () => {
      const task = await taskOf(platform.runtime, spec);
      return task.pid !== first.pid && task;
    }, 5_000);
    expect((await getFrom(second.endpoint, '/healthz')).status).toBe(200);
    expect(await statusOf(platform.runtime, spec)).toMatchObject({ restarts: 1, lastFailure: 'killed SIGKILL' });
    expect(existsSync(first.endpoint)).toBe(false);
  });

  test('OB-5: is replaced when it hangs, while other tasks run on', async () => {
    const [spec, otherTenant] = [silo('tenanthung1'), silo('tenanthung10')];
    await Promise.all([spec, otherTenant].map((each) => platform.runtime.ensureService(each)));
    const [first, other] = [await taskOf(platform.runtime, spec), await taskOf(platform.runtime, otherTenant)];
    getFrom(first.endpoint, '/block').catch(() => undefined);
    await until(async () => (await statusOf(platform.runtime, spec)).lastFailure === 'hung', 8_000);
    const second = await taskOf(platform.runtime, spec);
    expect(second.pid).not.toBe(first.pid);
    expect(isAlive(first.pid)).toBe(false);
    expect((await taskOf(platform.runtime, otherTenant)).pid).toBe(other.pid);
  });

  test('TI-5: is replaced without an interruption when it exceeds its memory', async () => {
    const spec = silo('tenantmem1', { size: { ...SIZE, memoryMiB: 160 } });
    await platform.runtime.ensureService(spec);
    const first = await taskOf(platform.runtime, spec);
    const sockets = socketsOf(spec);
    await getFrom(first.endpoint, '/grow?mib=140');
    const second = await until(async () => {
      expect(sockets.current.length).toBeGreaterThan(0);
      const { tasks } = await statusOf(platform.runtime, spec);
      return tasks.length === 1 && tasks[0]?.pid !== first.pid && tasks[0];
    });
    sockets.close();
    expect(second.state).toBe('healthy');
    expect(await statusOf(platform.runtime, spec)).toMatchObject({
      restarts: 1,
      lastFailure: expect.stringMatching(/^memory \d+ MiB over 160 MiB$/),
    });
  });

  test('TI-5: is killed at once when it far exceeds its memory', async () => {
    const spec = silo('tenantmem2', { size: { ...SIZE, memoryMiB: 128 } });
    await platform.runtime.ensureService(spec);
    const first = await taskOf(platform.runtime, spec);
    // The task may be killed before it responds.
    getFrom(first.endpoint, '/grow?mib=400').catch(() => undefined);
    const killed = /^memory \d+ MiB over 128 MiB$/;
    await until(async () => killed.test((await statusOf(platform.runtime, spec)).lastFailure ?? ''), 3_000);
    // The task may already be draining when it passes the higher limit; it must not get the 10 s of a drain.
    await until(async () => !isAlive(first.pid), 3_000);
    await taskOf(platform.runtime, spec);
  });
});

describe('a service', () => {
  test('that cannot start is reported with the reason, retried with back-off, and starts when it can', async () => {
    const spec = silo('tenantbad1', { environment: { FAILURE: 'exit' } });
    const failed = platform.runtime.ensureService(spec).catch((error) => error);
    await until(async () => {
      const [status] = await platform.runtime.services({ tenantId: 'tenantbad1' });
      return status !== undefined && status.restarts >= 3;
    });
    expect(await statusOf(platform.runtime, spec)).toMatchObject({ lastFailure: 'exit 3' });
    await platform.runtime.ensureService(silo('tenantbad1'));
    await taskOf(platform.runtime, spec);
    await failed;
  });

  test('that never becomes healthy makes ensureService fail with UNAVAILABLE, and its old tasks continue to serve', async () => {
    const failingSoon = await startPlatform({ healthyWithinMs: 1_500 });
    try {
      const spec = silo('tenantbad2');
      await failingSoon.runtime.ensureService(spec);
      const first = await taskOf(failingSoon.runtime, spec);
      const broken = { ...spec, environment: { FAILURE: 'unhealthy' } };
      await expect(failingSoon.runtime.ensureService(broken)).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('shared/tenantbad2/echo'),
      });
      expect((await getFrom(first.endpoint, '/healthz')).status).toBe(200);
    } finally {
      await failingSoon.remove();
    }
  });

  test('makes ensureService fail with UNAVAILABLE when the runtime begins to close, and nothing new starts', async () => {
    const closing = await startPlatform();
    try {
      const waiting = closing.runtime.ensureService(silo('tenantbad4', { environment: { FAILURE: 'unhealthy' } }));
      await until(async () => (await closing.runtime.services()).length === 1);
      closing.runtime.beginClose();
      await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(closing.runtime.ensureCluster('shared')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      await closing.remove();
    }
  });

  test('without a bundle makes ensureService fail with UNAVAILABLE at once', async () => {
    await expect(platform.runtime.ensureService(silo('tenantbad3', { service: 'nosuch' }))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining("'nosuch'"),
    });
  });

  test('is replaced under load without a failed request, even a slow one', async () => {
    const spec = pooled({ size: { ...SIZE, desired: 2 } });
    await platform.runtime.ensureService(spec);
    const before = (await statusOf(platform.runtime, spec)).tasks.map((task) => task.pid);
    const sockets = socketsOf(spec);
    let [going, sent] = [true, 0];
    const failures: string[] = [];
    const client = async (path: string): Promise<void> => {
      while (going) {
        const socket = sockets.current[sent++ % sockets.current.length] ?? 'none';
        await getFrom(socket, path).catch((error) => failures.push(`${path}: ${error.message}`));
        await setTimeout(2);
      }
    };
    const clients = ['/whoami', '/whoami', '/whoami', '/slow?ms=700'].map(client);
    await platform.runtime.restartService(spec);
    going = false;
    await Promise.all(clients);
    sockets.close();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(50);
    const after = (await statusOf(platform.runtime, spec)).tasks.map((task) => task.pid);
    expect(after).toHaveLength(2);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(await statusOf(platform.runtime, spec)).toMatchObject({ restarts: 0 });
  }, 60_000);

  test('that is deleted leaves no process, socket, cgroup or status behind, and keeps its log and data', async () => {
    const spec = premium('tenantgone1');
    await platform.runtime.ensureTenantData('tenantgone1');
    await platform.runtime.ensureService(spec);
    const { pid } = await taskOf(platform.runtime, spec);
    const { endpoint } = await taskOf(platform.runtime, spec);
    const agent = parentOf(pid);
    await getFrom(endpoint, `/write?path=${join(platform.dataDir, 'tenants/tenantgone1/echo.db')}`);
    await platform.runtime.deleteService(spec);
    expect(isAlive(pid)).toBe(false);
    expect(isAlive(agent)).toBe(true);
    expect(existsSync(join(platform.dataDir, 'run/tenantgone1'))).toBe(false);
    const logs = readdirSync(join(platform.dataDir, 'logs'));
    expect(logs.filter((name) => name.includes('tenantgone1'))).not.toEqual([]);
    expect(await platform.runtime.hasTenantData('tenantgone1')).toBe(true);

    await platform.runtime.deleteCluster(spec.cluster);
    expect(isAlive(agent)).toBe(false);
    await platform.runtime.deleteTenantData('tenantgone1');
    expect(await platform.runtime.hasTenantData('tenantgone1')).toBe(false);
    const left = readdirSync(platform.dataDir, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.includes('tenantgone1'))).toEqual([]);
  });

  test('refuses to delete the data of a tenant whose services run, with CONFLICT', async () => {
    const spec = silo('tenantkeep1');
    await platform.runtime.ensureService(spec);
    await expect(platform.runtime.deleteTenantData('tenantkeep1')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await platform.runtime.hasTenantData('tenantkeep1')).toBe(true);
  });
});

describe('an agent', () => {
  test('that ends during its start makes ensureCluster fail, and is started again', async () => {
    const cluster = 'tenant-tenantagent2';
    const ensured = platform.runtime.ensureCluster(cluster);
    const first = platform.runtime.agents().find((agent) => agent.cluster === cluster)?.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await expect(ensured).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await until(() => platform.runtime.agents().some((agent) => agent.cluster === cluster));
    await platform.runtime.ensureCluster(cluster);
    await platform.runtime.deleteCluster(cluster);
  });

  test('OB-5: that is killed is restarted with all its services, and other clusters are not affected', async () => {
    const [spec, second, otherTenant] = [
      premium('tenantagent1'),
      premium('tenantagent1', { service: 'other' }),
      silo('tenantagent10'),
    ];
    await Promise.all([spec, second, otherTenant].map((each) => platform.runtime.ensureService(each)));
    const before = [await taskOf(platform.runtime, spec), await taskOf(platform.runtime, second)];
    const other = await taskOf(platform.runtime, otherTenant);
    const sockets = socketsOf(spec);
    process.kill(parentOf(before[0]?.pid ?? 0), 'SIGKILL');
    await until(() => before.every(({ pid }) => !isAlive(pid)), 1_000);
    await until(() => sockets.current.length === 1 && sockets.current[0] !== before[0]?.endpoint);
    await taskOf(platform.runtime, second);
    sockets.close();
    expect((await taskOf(platform.runtime, otherTenant)).pid).toBe(other.pid);
    expect(before.filter(({ endpoint }) => existsSync(endpoint))).toEqual([]);
  });
});

test('ON-3: the second and the tenth tenant start as the first one did, and close ends them all', async () => {
  const many = await startPlatform();
  try {
    const ids = Array.from({ length: 10 }, (_, index) => `tenantmany${index + 1}`);
    for (const id of ids) await many.runtime.ensureService(silo(id));
    await many.runtime.ensureService(premium('tenantprem1'));
    await many.runtime.ensureService(premium('tenantprem2'));
    const tasks = await Promise.all((await many.runtime.services()).map((status) => taskOf(many.runtime, status)));
    expect(new Set(tasks.map(({ pid }) => pid)).size).toBe(12);
    const clusters = await many.runtime.clusters();
    expect(clusters).toHaveLength(3);
    expect(
      many.runtime
        .agents()
        .map(({ cluster }) => cluster)
        .sort(),
    ).toEqual(clusters);
    expect(processesOf(many.instance)).toHaveLength(12 + 3);
  } finally {
    await many.remove();
  }
  expect(processesOf(many.instance)).toEqual([]);
}, 60_000);

test('a restart of the platform keeps desired counts and user ids', async () => {
  const first = await startPlatform();
  const spec = silo('tenantstay1');
  await first.runtime.ensureService(spec);
  await first.runtime.scaleService(spec, 2);
  const { uid } = await statusOf(first.runtime, spec);
  await first.stop();
  const second = await startPlatform({ dataDir: first.dataDir });
  try {
    await second.runtime.ensureService(spec);
    const status = await statusOf(second.runtime, spec);
    expect(status.tasks).toHaveLength(2);
    expect(status.desired).toBe(2);
    expect(status.uid).toBe(uid);
  } finally {
    await second.remove();
  }
}, 60_000);
