import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deploymentIdOf } from '../../../core/plan/deployment.ts';
import { POOL_PLACE, placeOf } from '../../../core/plan/place.ts';
import type { ShardPlace } from '../../../core/ports/places.ts';
import type {
  DeploymentId,
  DeploymentSpec,
  DeploymentStatus,
  Runtime,
  ServiceKey,
  ServiceStatus,
} from '../../../core/ports/runtime.ts';
import type { TaskSize } from '../../../core/tier/tiers.ts';
import { until } from '../../support/until.ts';

export interface OpenRuntime {
  readonly runtime: Runtime;
  /** A service that this adapter can run. */
  readonly service: string;
  /** Another one. @default - this adapter runs a fixed list of one service, and refuses another list */
  readonly otherService?: string;
  /** At least 3 tasks at most, and 1 at start. */
  readonly size: TaskSize;
  /** Where the load balancer finds a deployment. @default - this home has none */
  readonly shard?: ShardPlace;
  /** An environment in which the service's tasks end at once. @default - this adapter runs no processes */
  readonly failing?: Readonly<Record<string, string>>;
  /** How long a deployment may take, in ms. */
  readonly withinMs: number;
  close(): Promise<void>;
}

const TENANT = 'tenant00001';
/** Begins with the other's id. */
const SIBLING = 'tenant000010';
const RICH = 'tenant00002';
const TIMEOUT_MS = 120_000;

/** What every adapter of the Runtime port must do. */
export function runtimeContract(name: string, open: () => Promise<OpenRuntime>): void {
  describe(`${name} as a Runtime`, () => {
    let opened: OpenRuntime;
    let runtime: Runtime;

    beforeAll(async () => {
      opened = await open();
      runtime = opened.runtime;
    }, TIMEOUT_MS);
    afterAll(async () => opened.close(), TIMEOUT_MS);

    const keyOf = ({ cluster, tenantId, services }: DeploymentSpec): ServiceKey => ({
      ...{ cluster, tenantId, service: services[0] ?? '' },
    });
    const specOf = (tenantId: string | null, change: Partial<DeploymentSpec> = {}): DeploymentSpec => {
      const { service, size, shard } = opened;
      const isolation = tenantId === RICH ? 'cluster' : 'service';
      const place = tenantId === null ? POOL_PLACE : placeOf(tenantId, { isolation });
      return {
        ...{ id: deploymentIdOf(tenantId), cluster: place.cluster, tenantId, tier: 'premium', size },
        ...{ services: [service], release: '1.0.0', environment: { TIERPLANE_TIER: 'premium' } },
        place: { ...place, ...(shard && { shard }) },
        ...change,
      };
    };
    /** Repeats the call, as the reconciler does, until it reports another state than `changing`. */
    const untilEnded = (call: () => Promise<DeploymentStatus>) =>
      until(async () => {
        const status = await call();
        return status.state === 'changing' ? undefined : status;
      }, opened.withinMs);
    const deployed = (spec: DeploymentSpec) => untilEnded(() => runtime.deploy(spec));
    const withdrawn = (id: DeploymentId) => untilEnded(() => runtime.withdraw(id));
    const status = async ({ cluster, tenantId, service }: ServiceKey): Promise<ServiceStatus | undefined> =>
      (await runtime.services({ cluster })).find((one) => one.tenantId === tenantId && one.service === service);
    const healthy = async (key: ServiceKey): Promise<string[]> =>
      ((await status(key))?.tasks ?? []).filter((task) => task.state === 'healthy').map((task) => task.taskId);

    test('knows no deployment before one is deployed, and withdraws what does not exist', async () => {
      const id = deploymentIdOf(TENANT);
      expect(await runtime.deployment(id)).toEqual({ state: 'absent', parts: [] });
      expect(await withdrawn(id)).toEqual({ state: 'absent', parts: [] });
      expect(await runtime.services({ tenantId: TENANT })).toEqual([]);
    });

    test(
      'a deployment that is ready has healthy tasks, and deploying it again changes nothing',
      async () => {
        const spec = specOf(TENANT);
        const ready = {
          state: 'ready',
          cluster: 'shared',
          release: '1.0.0',
          parts: [{ name: opened.service, status: 'done' }],
        };
        expect(await deployed(spec)).toMatchObject(ready);
        const tasks = await healthy(keyOf(spec));
        expect(tasks).toHaveLength(spec.size.desired);
        expect(await runtime.deploy(spec)).toMatchObject(ready);
        expect(await healthy(keyOf(spec))).toEqual(tasks);
        expect(await runtime.deployment(spec.id)).toMatchObject(ready);
      },
      TIMEOUT_MS,
    );

    test(
      'creates the cluster that a deployment needs',
      async () => {
        const spec = specOf(RICH);
        expect(await deployed(spec)).toMatchObject({ state: 'ready', cluster: `tenant-${RICH}` });
        expect(await healthy(keyOf(spec))).toHaveLength(spec.size.desired);
      },
      TIMEOUT_MS,
    );

    test(
      'filters services by cluster and by exact tenant',
      async () => {
        await deployed(specOf(SIBLING));
        await deployed(specOf(null));
        const tenantsOf = async (filter: Parameters<Runtime['services']>[0]) =>
          (await runtime.services(filter)).map(({ tenantId }) => tenantId);
        expect(await tenantsOf({ tenantId: TENANT })).toEqual([TENANT]);
        expect(await tenantsOf({ cluster: 'pool' })).toEqual([null]);
        expect(new Set(await tenantsOf({ cluster: 'shared' }))).toEqual(new Set([TENANT, SIBLING]));
        expect(new Set(await tenantsOf({}))).toEqual(new Set([TENANT, SIBLING, RICH, null]));
      },
      TIMEOUT_MS,
    );

    test(
      'a changed environment replaces the tasks',
      async () => {
        const spec = specOf(TENANT);
        const before = await healthy(keyOf(spec));
        await deployed({ ...spec, environment: { TIERPLANE_TIER: 'advanced' } });
        const after = await until(async () => {
          const now = await healthy(keyOf(spec));
          return now.length === spec.size.desired && !now.some((id) => before.includes(id)) && now;
        }, opened.withinMs);
        expect(after).toHaveLength(spec.size.desired);
      },
      TIMEOUT_MS,
    );

    test(
      'the old tasks serve while an update fails, and afterwards',
      async () => {
        const { failing, withinMs } = opened;
        if (!failing) return;
        const spec = specOf(RICH);
        const key = keyOf(spec);
        const before = await healthy(key);
        expect(before).toHaveLength(spec.size.desired);
        const update = { ...spec, environment: { ...spec.environment, ...failing } };
        // The embedded home's call ends later; its supervisor reports the failed tasks before that.
        const call = runtime.deploy(update).catch(() => undefined);
        const serving = async (): Promise<string[]> => {
          const now = await healthy(key);
          expect(now).toEqual(expect.arrayContaining(before));
          return now;
        };
        await until(async () => {
          await serving();
          const { state } = await runtime.deployment(spec.id);
          return state === 'failed' || ((await status(key))?.restarts ?? 0) > 0;
        }, withinMs);
        await call;
        // A new task may run for a moment before it ends.
        await until(async () => (await serving()).length === before.length, withinMs);
        expect(await deployed(spec)).toMatchObject({ state: 'ready' });
      },
      TIMEOUT_MS,
    );

    test(
      'restartService replaces every task',
      async () => {
        const key = keyOf(specOf(SIBLING));
        const before = await healthy(key);
        await runtime.restartService(key);
        await until(async () => {
          const now = await healthy(key);
          return now.length === before.length && !now.some((id) => before.includes(id));
        }, opened.withinMs);
      },
      TIMEOUT_MS,
    );

    test(
      'scaleService sets the number of tasks, even to zero, and deploy keeps it',
      async () => {
        const spec = specOf(null);
        const key = keyOf(spec);
        const counts = (count: number) => until(async () => (await healthy(key)).length === count, opened.withinMs);
        await runtime.scaleService(key, 3);
        await counts(3);
        expect(await deployed(spec)).toMatchObject({ state: 'ready' });
        expect(await healthy(key)).toHaveLength(3);
        await runtime.scaleService(key, 0);
        await counts(0);
        await deployed(spec);
        expect(await status(key)).toMatchObject({ desired: 0 });
        await runtime.scaleService(key, 1);
        await counts(1);
      },
      TIMEOUT_MS,
    );

    test('scaleService refuses a number that the tier does not allow, and changes nothing', async () => {
      const spec = specOf(null);
      for (const desired of [-1, 1.5, spec.size.max + 1, Number.NaN]) {
        await expect(runtime.scaleService(keyOf(spec), desired)).rejects.toMatchObject({ code: 'INVALID' });
      }
      expect(await status(keyOf(spec))).toMatchObject({ desired: 1 });
    });

    test('restart and scale of an unknown service fail with NOT_FOUND', async () => {
      for (const key of [keyOf(specOf('tenant00009')), { ...keyOf(specOf(TENANT)), service: 'unknown' }]) {
        await expect(runtime.restartService(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(runtime.scaleService(key, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      }
    });

    test('a changed list of services is deployed as a whole, or refused where the services are fixed', async () => {
      const { service, otherService } = opened;
      const names = async () => (await runtime.services({ tenantId: TENANT })).map((one) => one.service).sort();
      if (otherService === undefined) {
        const before = await names();
        for (const services of [[service, 'other'], ['other']]) {
          await expect(runtime.deploy(specOf(TENANT, { services }))).rejects.toMatchObject({ code: 'INVALID' });
        }
        expect(await names()).toEqual(before);
        return;
      }
      await deployed(specOf(TENANT, { services: [service, otherService] }));
      expect(await names()).toEqual([service, otherService].sort());
      expect(await deployed(specOf(TENANT, { services: [otherService] }))).toMatchObject({
        parts: [{ name: otherService, status: 'done' }],
      });
      expect(await names()).toEqual([otherService]);
    });

    test(
      'withdraw ends that deployment only, and may be repeated',
      async () => {
        for (const tenantId of [TENANT, RICH]) {
          const id = deploymentIdOf(tenantId);
          expect(await withdrawn(id)).toEqual({ state: 'absent', parts: [] });
          expect(await runtime.withdraw(id)).toEqual({ state: 'absent', parts: [] });
          expect(await runtime.services({ tenantId })).toEqual([]);
          expect(await runtime.deployment(id)).toEqual({ state: 'absent', parts: [] });
        }
        expect(await healthy(keyOf(specOf(SIBLING)))).toHaveLength(1);
        expect(await healthy(keyOf(specOf(null)))).toHaveLength(1);
      },
      TIMEOUT_MS,
    );

    test(
      'a withdrawn deployment can be deployed again',
      async () => {
        expect(await deployed(specOf(TENANT))).toMatchObject({ state: 'ready' });
      },
      TIMEOUT_MS,
    );

    test.each(['../etc', 'UPPER0000', 'short', '', 'a/b/c/d/e'])('refuses the tenant id %j', async (tenantId) => {
      const id = deploymentIdOf(tenantId);
      await expect(runtime.deploy(specOf(tenantId))).rejects.toMatchObject({ code: 'INVALID' });
      await expect(runtime.withdraw(id)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(runtime.deployment(id)).rejects.toMatchObject({ code: 'INVALID' });
    });

    test.each<[string, Partial<DeploymentSpec>]>([
      ['the id of another tenant', { id: `tenant-${SIBLING}` }],
      ['the cluster of another tenant', { cluster: `tenant-${SIBLING}` }],
      ['the cluster of the pool', { cluster: 'pool' }],
      ['no services', { services: [] }],
      ['a service twice', { services: ['echo', 'echo'] }],
      ['a service that is a path', { services: ['../echo'] }],
    ])('refuses a deployment with %s, and changes nothing', async (_what, change) => {
      const tenantId = 'tenant00008';
      await expect(runtime.deploy(specOf(tenantId, change))).rejects.toMatchObject({ code: 'INVALID' });
      expect(await runtime.deployment(`tenant-${tenantId}`)).toMatchObject({ state: 'absent' });
    });
  });
}
