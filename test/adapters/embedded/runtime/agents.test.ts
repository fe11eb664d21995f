import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import {
  deploy,
  isAlive,
  parentOf,
  premium,
  silo,
  socketsOf,
  startPlatform,
  type TestPlatform,
  taskOf,
  withdraw,
} from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

describe('an agent', () => {
  test('that ends during its start makes the deployment fail, and is started again', async () => {
    const spec = premium('tenantagent2');
    const agent = () => platform.runtime.agents().find(({ cluster }) => cluster === spec.cluster)?.pid;
    const deployed = deploy(platform.runtime, [spec]);
    deployed.catch(() => undefined);
    process.kill(await until(agent), 'SIGKILL');
    await expect(deployed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await until(agent);
    await deploy(platform.runtime, [spec]);
    await withdraw(platform.runtime, spec);
    expect(agent()).toBeUndefined();
  });

  test('OB-5: that is killed is restarted with all its services, and other clusters are not affected', async () => {
    const [spec, second, otherTenant] = [
      premium('tenantagent1'),
      premium('tenantagent1', { service: 'other' }),
      silo('tenantagent10'),
    ];
    await deploy(platform.runtime, [spec, second, otherTenant]);
    const before = [await taskOf(platform.runtime, spec), await taskOf(platform.runtime, second)];
    const other = await taskOf(platform.runtime, otherTenant);
    const sockets = socketsOf(platform.runtime, spec);
    process.kill(parentOf(before[0]?.pid ?? 0), 'SIGKILL');
    await until(() => before.every(({ pid }) => !isAlive(pid)), 1_000);
    await until(() => sockets.current.length === 1 && sockets.current[0] !== before[0]?.endpoint);
    await taskOf(platform.runtime, second);
    sockets.close();
    expect((await taskOf(platform.runtime, otherTenant)).pid).toBe(other.pid);
    expect(before.filter(({ endpoint }) => existsSync(endpoint))).toEqual([]);
  });
});
