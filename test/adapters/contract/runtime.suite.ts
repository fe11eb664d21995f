import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Runtime, ServiceKey, ServiceSpec, ServiceStatus } from '../../../core/ports/runtime.ts';

export interface OpenRuntime {
  readonly runtime: Runtime;
  /** A service that this adapter can run, and scale to at least 3 tasks: the tenant's own, or pooled for null. */
  spec(tenantId: string | null, service: 'first' | 'second'): ServiceSpec;
  close(): Promise<void>;
}

const TENANT = 'tenant00001';
/** Begins with the other's id. */
const SIBLING = 'tenant000010';

/** What every adapter of the Runtime port must do. */
export function runtimeContract(name: string, open: () => Promise<OpenRuntime>): void {
  describe(`${name} as a Runtime`, () => {
    let opened: OpenRuntime;
    let runtime: Runtime;

    const status = async ({ cluster, tenantId, service }: ServiceKey): Promise<ServiceStatus | undefined> =>
      (await runtime.services({ cluster })).find((one) => one.tenantId === tenantId && one.service === service);
    const healthy = async (key: ServiceKey): Promise<string[]> =>
      ((await status(key))?.tasks ?? []).filter((task) => task.state === 'healthy').map((task) => task.taskId);

    beforeAll(async () => {
      opened = await open();
      runtime = opened.runtime;
    });
    afterAll(async () => opened.close());

    test('lists each requested cluster once', async () => {
      await runtime.ensureCluster('shared');
      await runtime.ensureCluster('shared');
      await runtime.ensureCluster('pool');
      expect([...(await runtime.clusters())].sort()).toEqual(['pool', 'shared']);
    });

    test('a service is healthy when ensureService resolves, and calling it again changes nothing', async () => {
      const spec = opened.spec(TENANT, 'first');
      await runtime.ensureService(spec);
      const tasks = await healthy(spec);
      expect(tasks).toHaveLength(spec.size.desired);
      await runtime.ensureService(spec);
      expect(await healthy(spec)).toEqual(tasks);
    });

    test('creates the cluster that a service needs', async () => {
      const spec = { ...opened.spec(SIBLING, 'first'), cluster: `tenant-${SIBLING}` } as const;
      await runtime.ensureService(spec);
      expect(await runtime.clusters()).toContain(`tenant-${SIBLING}`);
      expect(await healthy(spec)).toHaveLength(spec.size.desired);
    });

    test('filters services by cluster and by exact tenant', async () => {
      await runtime.ensureService(opened.spec(TENANT, 'second'));
      await runtime.ensureService(opened.spec(null, 'first'));
      const own = await runtime.services({ tenantId: TENANT });
      expect(own.map(({ tenantId }) => tenantId)).toEqual([TENANT, TENANT]);
      const all = await runtime.services({ cluster: 'pool' });
      expect(all.map(({ tenantId }) => tenantId)).toEqual([null]);
    });

    test('a changed spec replaces the tasks', async () => {
      const spec = opened.spec(TENANT, 'first');
      const before = await healthy(spec);
      await runtime.ensureService({ ...spec, environment: { ...spec.environment, TIERPLANE_TIER: 'premium' } });
      const after = await healthy(spec);
      expect(after).toHaveLength(spec.size.desired);
      expect(after.some((id) => before.includes(id))).toBe(false);
    });

    test('restartService replaces every task', async () => {
      const key = opened.spec(TENANT, 'second');
      const before = await healthy(key);
      await runtime.restartService(key);
      const after = await healthy(key);
      expect(after).toHaveLength(before.length);
      expect(after.some((id) => before.includes(id))).toBe(false);
    });

    test('scaleService sets the number of tasks, even to zero, and ensureService keeps it', async () => {
      const spec = opened.spec(null, 'first');
      await runtime.scaleService(spec, 3);
      expect(await healthy(spec)).toHaveLength(3);
      await runtime.ensureService(spec);
      expect(await healthy(spec)).toHaveLength(3);
      await runtime.scaleService(spec, 0);
      expect((await status(spec))?.tasks).toEqual([]);
      await runtime.ensureService(spec);
      expect(await status(spec)).toMatchObject({ desired: 0, tasks: [] });
      await runtime.scaleService(spec, 1);
      expect(await healthy(spec)).toHaveLength(1);
    });

    test('scaleService refuses a number that the tier does not allow, and changes nothing', async () => {
      const spec = opened.spec(null, 'first');
      for (const desired of [-1, 1.5, spec.size.max + 1, Number.NaN]) {
        await expect(runtime.scaleService(spec, desired)).rejects.toMatchObject({ code: 'INVALID' });
      }
      expect(await status(spec)).toMatchObject({ desired: 1 });
    });

    test('restart and scale of an unknown service fail with NOT_FOUND', async () => {
      const key = opened.spec('tenant00009', 'first');
      await expect(runtime.restartService(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(runtime.scaleService(key, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('deleteService ends that service only, and may be repeated', async () => {
      const key = opened.spec(TENANT, 'second');
      await runtime.deleteService(key);
      await runtime.deleteService(key);
      expect((await runtime.services({ tenantId: TENANT })).map(({ service }) => service)).toEqual([
        opened.spec(TENANT, 'first').service,
      ]);
      expect(await healthy(opened.spec(null, 'first'))).toHaveLength(1);
    });

    test('deleteCluster ends the cluster with everything in it, and may be repeated', async () => {
      await runtime.deleteCluster(`tenant-${SIBLING}`);
      await runtime.deleteCluster(`tenant-${SIBLING}`);
      expect(await runtime.clusters()).not.toContain(`tenant-${SIBLING}`);
      expect(await runtime.services({ tenantId: SIBLING })).toEqual([]);
      expect(await healthy(opened.spec(TENANT, 'first'))).toHaveLength(1);
    });

    test("a tenant's data store is created and deleted, and another tenant's stays", async () => {
      await runtime.deleteService(opened.spec(TENANT, 'first'));
      for (const tenantId of [TENANT, SIBLING, SIBLING]) await runtime.ensureTenantData(tenantId);
      for (const _time of ['once', 'again']) {
        await runtime.closeTenantData(TENANT);
        await runtime.deleteTenantData(TENANT);
      }
      expect(await runtime.hasTenantData(TENANT)).toBe(false);
      expect(await runtime.hasTenantData(SIBLING)).toBe(true);
    });

    test.each(['../etc', 'UPPER0000', 'short', '', 'a/b/c/d/e'])('refuses the tenant id %j', async (tenantId) => {
      const spec = opened.spec(tenantId, 'first');
      await expect(runtime.ensureService(spec)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(runtime.ensureTenantData(tenantId)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(runtime.deleteTenantData(tenantId)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(runtime.closeTenantData(tenantId)).rejects.toMatchObject({ code: 'INVALID' });
    });
  });
}
