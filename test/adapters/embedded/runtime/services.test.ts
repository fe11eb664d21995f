import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import {
  deploy,
  getFrom,
  isAlive,
  parentOf,
  pooled,
  premium,
  processesOf,
  SIZE,
  silo,
  socketsOf,
  startPlatform,
  statusOf,
  type TestPlatform,
  taskOf,
  withdraw,
} from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

describe('a service', () => {
  test('that cannot start is reported with the reason, retried with back-off, and starts when it can', async () => {
    const spec = silo('tenantbad1', { environment: { FAILURE: 'exit' } });
    const failed = deploy(platform.runtime, [spec]).catch((error) => error);
    await until(async () => {
      const [status] = await platform.runtime.services({ tenantId: 'tenantbad1' });
      return status !== undefined && status.restarts >= 3;
    });
    expect(await statusOf(platform.runtime, spec)).toMatchObject({ lastFailure: 'exit 3' });
    await deploy(platform.runtime, [silo('tenantbad1')]);
    await taskOf(platform.runtime, spec);
    await failed;
  });

  test('that never becomes healthy makes the deployment fail with UNAVAILABLE, and its old tasks continue to serve', async () => {
    const failingSoon = await startPlatform({ healthyWithinMs: 1_500 });
    try {
      const spec = silo('tenantbad2');
      await deploy(failingSoon.runtime, [spec]);
      const first = await taskOf(failingSoon.runtime, spec);
      const broken = { ...spec, environment: { FAILURE: 'unhealthy' } };
      await expect(deploy(failingSoon.runtime, [broken])).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('shared/tenantbad2/echo'),
      });
      expect((await getFrom(first.endpoint, '/healthz')).status).toBe(200);
    } finally {
      await failingSoon.remove();
    }
  });

  test('makes the deployment fail with UNAVAILABLE when the runtime begins to close, and nothing new starts', async () => {
    const closing = await startPlatform();
    try {
      const waiting = deploy(closing.runtime, [silo('tenantbad4', { environment: { FAILURE: 'unhealthy' } })]);
      await until(async () => (await closing.runtime.services()).length === 1);
      closing.runtime.beginClose();
      await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(deploy(closing.runtime, [silo('tenantbad5')])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      await closing.remove();
    }
  });

  test('without a bundle makes the deployment fail with UNAVAILABLE at once', async () => {
    await expect(deploy(platform.runtime, [silo('tenantbad3', { service: 'nosuch' })])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining("'nosuch'"),
    });
  });

  test('is replaced under load without a failed request, even a slow one', async () => {
    const spec = pooled({ size: { ...SIZE, desired: 2 } });
    await deploy(platform.runtime, [spec]);
    const before = (await statusOf(platform.runtime, spec)).tasks.map((task) => task.pid);
    const sockets = socketsOf(platform.runtime, spec);
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

  test('that is withdrawn leaves no process, socket, cgroup or status behind, and keeps its log and data', async () => {
    const spec = premium('tenantgone1');
    await platform.runtime.data.ensure('tenantgone1', 'premium');
    await deploy(platform.runtime, [spec]);
    const { pid } = await taskOf(platform.runtime, spec);
    const { endpoint } = await taskOf(platform.runtime, spec);
    const agent = parentOf(pid);
    await getFrom(endpoint, `/write?path=${join(platform.dataDir, 'tenants/tenantgone1/echo.db')}`);
    await withdraw(platform.runtime, spec);
    expect([pid, agent].map(isAlive)).toEqual([false, false]);
    expect(await platform.runtime.services({ tenantId: 'tenantgone1' })).toEqual([]);
    expect(existsSync(join(platform.dataDir, 'run/tenantgone1'))).toBe(false);
    const logs = readdirSync(join(platform.dataDir, 'logs'));
    expect(logs.filter((name) => name.includes('tenantgone1'))).not.toEqual([]);
    expect(await platform.runtime.data.has('tenantgone1')).toBe(true);

    await platform.runtime.data.delete('tenantgone1');
    expect(await platform.runtime.data.has('tenantgone1')).toBe(false);
    const left = readdirSync(platform.dataDir, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.includes('tenantgone1'))).toEqual([]);
  });

  test('refuses to delete the data of a tenant whose services run, with CONFLICT', async () => {
    const spec = silo('tenantkeep1');
    await deploy(platform.runtime, [spec]);
    await expect(platform.runtime.data.delete('tenantkeep1')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await platform.runtime.data.has('tenantkeep1')).toBe(true);
  });
});

test('ON-3: the second and the tenth tenant start as the first one did, and close ends them all', async () => {
  const many = await startPlatform();
  try {
    const ids = Array.from({ length: 10 }, (_, index) => `tenantmany${index + 1}`);
    for (const id of ids) await deploy(many.runtime, [silo(id)]);
    await deploy(many.runtime, [premium('tenantprem1')]);
    await deploy(many.runtime, [premium('tenantprem2')]);
    const tasks = await Promise.all((await many.runtime.services()).map((status) => taskOf(many.runtime, status)));
    expect(new Set(tasks.map(({ pid }) => pid)).size).toBe(12);
    const clusters = many.runtime.clusters;
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
  await deploy(first.runtime, [spec]);
  await first.runtime.scaleService(spec, 2);
  const { uid } = await statusOf(first.runtime, spec);
  await first.stop();
  const second = await startPlatform({ dataDir: first.dataDir });
  try {
    await deploy(second.runtime, [spec]);
    const status = await statusOf(second.runtime, spec);
    expect(status.tasks).toHaveLength(2);
    expect(status.desired).toBe(2);
    expect(status.uid).toBe(uid);
  } finally {
    await second.remove();
  }
}, 60_000);
