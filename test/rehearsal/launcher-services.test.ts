import { beforeAll, expect, jest, test } from '@jest/globals';
import { requestPublic } from '../../rehearsal/public-address.ts';
import { Stacks } from '../../rehearsal/stacks.ts';
import { until } from '../support/until.ts';
import { describeWithContainers } from './account.ts';
import { buildTaskImage } from './task/image.ts';
import { serviceTemplate } from './task/template.ts';

jest.setTimeout(180_000);

describeWithContainers('stacks of ECS services in an emulated account', (account, engine) => {
  let stacks: Stacks;
  beforeAll(() => {
    buildTaskImage(engine());
    stacks = new Stacks(account());
  }, 120_000);

  const get = async (dnsName: string, path: string) => {
    const { status, text } = await requestPublic(account(), `http://${dnsName}${path}`);
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  };
  const measured = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await run();
    process.stderr.write(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return result;
  };
  const containers = () => engine().containers();

  test('a stack is complete when its service serves, and deleting it removes the container', async () => {
    const created = await measured('stack of a service created', () =>
      stacks.create('healthy', serviceTemplate('healthy', { environment: { RELEASE: 'r1' } })),
    );
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', failures: [] });
    expect(await get(created.outputs.DnsName ?? '', '/release')).toEqual({ status: 200, body: { release: 'r1' } });
    expect(containers().length).toBe(1);
    expect((await stacks.delete('healthy')).status).toBe('DELETE_COMPLETE');
    await until(() => containers().length === 0);
  });

  test("a crash-looping image fails its stack with the circuit breaker's reason and the exit code, and leaves nothing", async () => {
    const template = serviceTemplate('crash', { environment: { EXIT_WITH: '7' } });
    const created = await measured('stack of a crash-looping image rolled back', () =>
      stacks.create('crash', template),
    );
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(created.failures).toEqual([
      expect.stringMatching(
        /^Service: .*Circuit Breaker was triggered.* 3 consecutive task failures\..*\(main exited with 7\)\.$/,
      ),
    ]);
    await until(() => containers().length === 0, 60_000);
  });

  test('a missing image fails its stack, without a request to a registry', async () => {
    const created = await stacks.create('missing', serviceTemplate('missing', { image: 'registry.invalid/none:1' }));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(created.failures[0]).toMatch(/CannotPullContainerError: .*registry\.invalid\/none:1 is not on this machine/);
  });

  test('a task that runs but is not healthy fails its stack', async () => {
    const created = await stacks.create('ill', serviceTemplate('ill', { environment: { UNHEALTHY: '1' } }));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(created.failures[0]).toContain('Task failed ELB health checks');
  });

  test('a bad update is rolled back while the old task serves every request', async () => {
    const created = await stacks.create('rolling', serviceTemplate('rolling', { environment: { RELEASE: 'r1' } }));
    expect(created.status).toBe('CREATE_COMPLETE');
    const dnsName = created.outputs.DnsName ?? '';
    let ended = false;
    const bad = serviceTemplate('rolling', { environment: { RELEASE: 'r2', EXIT_WITH: '9' } });
    const updating = measured('bad update rolled back', () => stacks.update('rolling', bad)).finally(() => {
      ended = true;
    });
    const served: unknown[] = [];
    await until(async () => {
      served.push(await get(dnsName, '/release'));
      return ended;
    }, 120_000);
    const updated = await updating;
    expect(updated.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(updated.failures[0]).toMatch(/^Service: .*Circuit Breaker was triggered.*\(main exited with 9\)\.$/);
    expect(new Set(served.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify({ status: 200, body: { release: 'r1' } })]),
    );
    const good = await stacks.update('rolling', serviceTemplate('rolling', { environment: { RELEASE: 'r3' } }));
    expect(good).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(await get(dnsName, '/release')).toMatchObject({ body: { release: 'r3' } });
  });
});
