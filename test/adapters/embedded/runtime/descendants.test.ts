import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ownProcesses } from '../../../../adapters/embedded/runtime/supervisor/own-processes.ts';
import type { ServiceSpec } from '../../../../adapters/embedded/runtime/supervisor/service-key.ts';
import { testUnless } from '../../../support/requirements.ts';
import { until } from '../../../support/until.ts';
import {
  deploy,
  getFrom,
  isAlive,
  parentOf,
  pooled,
  premium,
  SIZE,
  silo,
  startPlatform,
  statusOf,
  type TestPlatform,
  taskOf,
  withdraw,
} from './platform.ts';

// A hostile service starts a descendant that leaves its session, its parent and its environment behind.

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

/** Only a cgroup holds a process that has left everything else behind. */
const withCgroups = testUnless(process.getuid?.() === 0 ? undefined : 'root');

async function deployed(spec: ServiceSpec): Promise<{ pid: number; endpoint: string }> {
  await deploy(platform.runtime, [spec]);
  return taskOf(platform.runtime, spec);
}

async function detachFrom(endpoint: string, script?: string): Promise<number> {
  const query = script === undefined ? '' : `?script=${encodeURIComponent(script)}`;
  const { body } = await getFrom(endpoint, `/detach${query}`);
  expect(isAlive(body.pid)).toBe(true);
  expect(parentOf(body.pid)).not.toBe(process.pid);
  return body.pid;
}

describe('a detached descendant of a task', () => {
  withCgroups.each<[string, (task: { pid: number }, spec: ServiceSpec) => void | Promise<void>]>([
    ['the task is killed', ({ pid }) => void process.kill(pid, 'SIGKILL')],
    ['the task is replaced', (_task, spec) => platform.runtime.restartService(spec)],
    ['the service is scaled down', (_task, spec) => platform.runtime.scaleService(spec, 0)],
    ['the deployment is withdrawn', (_task, spec) => withdraw(platform.runtime, spec)],
    ['the agent is killed', ({ pid }) => void process.kill(parentOf(pid), 'SIGKILL')],
    ['the agent hangs', ({ pid }) => void process.kill(parentOf(pid), 'SIGSTOP')],
  ])('TI-5: ends when %s', async (_when, end) => {
    const spec = premium('tenantdet1', {});
    const task = await deployed(spec);
    const stray = await detachFrom(task.endpoint);
    await end(task, spec);
    await until(() => !isAlive(stray), 10_000);
    await withdraw(platform.runtime, spec);
  });

  withCgroups(
    'TI-5: has ended when the withdrawal of the deployment returns, while another tenant runs on',
    async () => {
      const [spec, other] = [silo('tenantdet2'), silo('tenantdet20')];
      const [task, neighbor] = [await deployed(spec), await deployed(other)];
      const strays = [await detachFrom(task.endpoint), await detachFrom(task.endpoint)];
      const kept = await detachFrom(neighbor.endpoint);
      await withdraw(platform.runtime, spec);
      expect(strays.filter(isAlive)).toEqual([]);
      expect([kept, neighbor.pid].map(isAlive)).toEqual([true, true]);
      await withdraw(platform.runtime, other);
      expect(isAlive(kept)).toBe(false);
    },
  );

  withCgroups('TI-5: ends even if it forks as fast as it can', async () => {
    const spec = silo('tenantdet3', { size: { ...SIZE, cpu: 0.5 } });
    const { endpoint } = await deployed(spec);
    // A bounded number, so that a failure does not take the machine along.
    const bomb =
      "const { spawn } = require('node:child_process'); let n = 0; setInterval(() => { if (n++ < 40) spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' }) }, 1)";
    const stray = await detachFrom(endpoint, bomb);
    await withdraw(platform.runtime, spec);
    expect(isAlive(stray)).toBe(false);
    expect(ownProcesses(platform.instance).filter(({ tenantId }) => tenantId === spec.tenantId)).toEqual([]);
  });

  withCgroups('TI-5: counts towards the memory of its task', async () => {
    const spec = silo('tenantdet4', { size: { ...SIZE, memoryMiB: 128 } });
    const { endpoint } = await deployed(spec);
    const stray = await detachFrom(
      endpoint,
      'globalThis.kept = Buffer.alloc(300 * 2 ** 20, 1); setInterval(() => {}, 1000)',
    );
    await until(async () =>
      /^memory \d+ MiB over 128 MiB$/.test((await statusOf(platform.runtime, spec)).lastFailure ?? ''),
    );
    await until(() => !isAlive(stray), 5_000);
    await withdraw(platform.runtime, spec);
  });
});

describe('a draining task', () => {
  test.each<[string, (spec: ServiceSpec) => Promise<void>]>([
    ['it is replaced', (spec) => platform.runtime.restartService(spec)],
    ['its deployment is withdrawn', (spec) => withdraw(platform.runtime, spec)],
    ['its service is scaled down', (spec) => platform.runtime.scaleService(spec, 0)],
  ])('TI-5: is weighed until it has ended: one that grows is killed, when %s', async (_when, end) => {
    const spec = silo('tenantdrain', { size: { ...SIZE, memoryMiB: 128 } });
    const task = await deployed(spec);
    // Keeps it draining for the full 10 seconds.
    getFrom(task.endpoint, '/slow?ms=30000', 40_000).catch(() => undefined);
    const ending = end(spec);
    await until(
      async () =>
        (await platform.runtime.services({ tenantId: 'tenantdrain' })).every(({ tasks }) =>
          tasks.every(({ pid, state }) => pid !== task.pid || state === 'draining'),
        ),
      5_000,
    );
    const before = performance.now();
    getFrom(task.endpoint, '/grow?mib=400').catch(() => undefined);
    await until(() => !isAlive(task.pid), 5_000);
    expect(performance.now() - before).toBeLessThan(5_000);
    await ending;
    await withdraw(platform.runtime, spec);
  });
});

describe('what does not belong to the instance', () => {
  const strangers: ChildProcess[] = [];
  afterEach(() => {
    for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
  });

  test('is never ended, even with the user id of the tasks', async () => {
    const spec = silo('tenantdet5');
    await deploy(platform.runtime, [spec]);
    const { uid } = await statusOf(platform.runtime, spec);
    const stranger = spawn('/bin/sleep', ['60'], { stdio: 'ignore', detached: true, ...(uid && { uid, gid: uid }) });
    strangers.push(stranger);
    await withdraw(platform.runtime, spec);
    await platform.runtime.data.delete('tenantdet5');
    await deploy(platform.runtime, [pooled()]);
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
  });
});
