import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { ECSClient } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { StackRuntime } from '../../../../adapters/aws/runtime/runtime.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { deploymentIdOf } from '../../../../core/plan/deployment.ts';
import { placeOf } from '../../../../core/plan/place.ts';
import type { DeploymentSpec, DeploymentStatus } from '../../../../core/ports/runtime.ts';
import type { EmulatedAccount } from '../../../../rehearsal/emulated-account.ts';
import { clientConfig, describeWithContainers } from '../../../rehearsal/account.ts';
import { buildTaskImage } from '../../../rehearsal/task/image.ts';
import { until } from '../../../support/until.ts';
import { runtimeContract } from '../../contract/runtime.suite.ts';
import { SERVICE, testTemplate } from './service-template.ts';

jest.setTimeout(120_000);

const SIZE = { memoryMiB: 512, cpu: 0.25, desired: 1, max: 4 };
const WITHIN_MS = 60_000;

function runtimeIn(account: EmulatedAccount): StackRuntime {
  return new StackRuntime({
    cloudFormation: new CloudFormationClient(clientConfig(account)),
    ecs: new ECSClient(clientConfig(account)),
    ...{ template: testTemplate(), prefix: 'tp', poolStack: 'tp-pool', clock: systemClock },
  });
}

describeWithContainers('an emulated account', (account, engine) => {
  beforeAll(() => buildTaskImage(engine()));

  runtimeContract('CloudFormation with ECS', async () => ({
    ...{ runtime: runtimeIn(account()), service: SERVICE, size: SIZE, withinMs: WITHIN_MS },
    ...{ shard: { number: 1, priority: 100 }, failing: { EXIT_WITH: '3' } },
    close: async () => undefined,
  }));

  describe('a deployment whose image does not start', () => {
    let runtime: StackRuntime;
    beforeAll(() => {
      runtime = runtimeIn(account());
    });

    const specOf = (tenantId: string, release: string, exit = ''): DeploymentSpec => ({
      ...{ id: deploymentIdOf(tenantId), cluster: `tenant-${tenantId}`, tenantId, tier: 'premium', size: SIZE },
      ...{ services: [SERVICE], release, environment: { EXIT_WITH: exit } },
      place: placeOf(tenantId, { isolation: 'cluster' }),
    });
    const untilEnded = (call: () => Promise<DeploymentStatus>) =>
      until(async () => {
        const status = await call();
        return status.state !== 'changing' && status;
      }, WITHIN_MS);

    test('fails with the reason and the exit code, stays failed for the same spec, and another spec replaces its remains', async () => {
      const bad = specOf('tenantbad01', '1.0.0', '3');
      const failed = { state: 'failed', reason: expect.stringMatching(/^Service: .*exited with 3/) };
      expect(await untilEnded(() => runtime.deploy(bad))).toMatchObject(failed);
      const parts = [{ name: SERVICE, status: 'failed', reason: expect.stringContaining('exited with 3') }];
      expect(await runtime.deployment(bad.id)).toMatchObject({ ...failed, cluster: bad.cluster, parts });
      expect(await runtime.deploy(bad)).toMatchObject(failed);
      expect(await runtime.services({ tenantId: 'tenantbad01' })).toEqual([]);
      expect(await untilEnded(() => runtime.deploy(specOf('tenantbad01', '1.0.1')))).toMatchObject({
        ...{ state: 'ready', release: '1.0.1' },
      });
    });

    test('can be withdrawn and then tried again with the same spec', async () => {
      const bad = specOf('tenantbad02', '1.0.0', '4');
      expect(await untilEnded(() => runtime.deploy(bad))).toMatchObject({ state: 'failed' });
      expect(await untilEnded(() => runtime.withdraw(bad.id))).toEqual({ state: 'absent', parts: [] });
      expect(await runtime.deploy(bad)).toMatchObject({ state: 'changing' });
      expect(await untilEnded(() => runtime.deploy(bad))).toMatchObject({ state: 'failed' });
    });

    test('is rolled back when it is an update, with the reason, and keeps its old release', async () => {
      const [good, bad] = [specOf('tenantbad03', '1.0.0'), specOf('tenantbad03', '2.0.0', '5')];
      await untilEnded(() => runtime.deploy(good));
      const failed = { state: 'failed', release: '1.0.0', reason: expect.stringContaining('exited with 5') };
      expect(await untilEnded(() => runtime.deploy(bad))).toMatchObject(failed);
    });
  });
});

/** A client that counts its requests and responds to none. */
function unusable<T extends CloudFormationClient | ECSClient>(client: T): { client: T; sent: string[] } {
  const sent: string[] = [];
  client.send = (async (command: object) => {
    sent.push(command.constructor.name);
    throw Object.assign(new Error('Rate exceeded'), { name: 'Throttling' });
  }) as unknown as T['send'];
  return { client, sent };
}

describe('a deployment', () => {
  const cloudFormation = unusable(new CloudFormationClient({ region: 'us-east-1' }));
  const ecs = unusable(new ECSClient({ region: 'us-east-1' }));
  const runtime = new StackRuntime({
    ...{ cloudFormation: cloudFormation.client, ecs: ecs.client, template: testTemplate(), clock: systemClock },
    ...{ prefix: 'tp', poolStack: 'tp-pool' },
  });
  afterAll(() => {
    cloudFormation.client.destroy();
    ecs.client.destroy();
  });
  const spec: DeploymentSpec = {
    ...{ id: 'tenant-tenant0001', cluster: 'shared', tenantId: 'tenant0001', tier: 'premium', size: SIZE },
    ...{
      services: [SERVICE],
      release: '1.0.0',
      environment: {},
      place: placeOf('tenant0001', { isolation: 'service' }),
    },
  };

  test.each<[string, Partial<DeploymentSpec>, string]>([
    ['a release that is none', { release: '1.0.0; rm -rf /' }, 'parameter Release must match'],
    ['an environment that does not fit', { environment: { EXIT_WITH: '0x1' } }, 'parameter ExitWith must match'],
    ['services that the template does not have', { services: [SERVICE, 'orders'] }, 'must be products'],
    ['without the services that the template has', { services: ['orders'] }, 'must be products'],
  ])('is refused before any call: %s', async (_what, change, reason) => {
    await expect(runtime.deploy({ ...spec, ...change })).rejects.toMatchObject({
      ...{ code: 'INVALID', message: expect.stringContaining(reason) },
    });
    expect([cloudFormation.sent, ecs.sent]).toEqual([[], []]);
  });

  test('is tried again later if CloudFormation is throttled', async () => {
    await expect(runtime.deploy(spec)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(runtime.withdraw(spec.id)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(cloudFormation.sent).toEqual(['DescribeStacksCommand', 'DescribeStacksCommand']);
  });
});
