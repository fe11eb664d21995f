import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { isAlive, parentOf, premium, silo, socketsOf, startPlatform, type TestPlatform, taskOf } from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

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
