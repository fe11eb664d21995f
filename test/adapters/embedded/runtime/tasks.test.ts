import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import {
  deploy,
  getFrom,
  isAlive,
  SIZE,
  silo,
  socketsOf,
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

describe('a task', () => {
  test("gets its own environment, and nothing of the platform's", async () => {
    const spec = silo('tenantenv1', { environment: { TIERPLANE_TIER: 'advanced' } });
    process.env.TIERPLANE_TEST_SECRET = 'do not inherit';
    await deploy(platform.runtime, [spec]);
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
    await deploy(platform.runtime, [own, sibling, foreign]);
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
    await deploy(platform.runtime, [spec]);
    const file = join(platform.dataDir, 'logs/shared.tenantlog1.echo.log');
    expect(readFileSync(file, 'utf8')).toContain('"msg":"listening"');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('OB-5: is replaced when it is killed, and the service reports the cause', async () => {
    const spec = silo('tenantkill1');
    await deploy(platform.runtime, [spec]);
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
    await deploy(platform.runtime, [spec, otherTenant]);
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
    await deploy(platform.runtime, [spec]);
    const first = await taskOf(platform.runtime, spec);
    const sockets = socketsOf(platform.runtime, spec);
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
    await deploy(platform.runtime, [spec]);
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
