import { beforeEach, describe, expect, test } from '@jest/globals';
import { createComputeDriver } from '../../../../app-plane/provisioner/drivers/compute.ts';
import { createDataDriver } from '../../../../app-plane/provisioner/drivers/data.ts';
import type { Change } from '../../../../core/plan/resources.ts';
import { TIERS } from '../../../../tenant-templates/tiers.ts';
import { FakeRuntime } from '../fake-runtime.ts';

const ID = 'acme0000';
const OWN = `tenant-${ID}` as const;

let runtime: FakeRuntime;
let driver: ReturnType<typeof createComputeDriver>;

beforeEach(() => {
  runtime = new FakeRuntime();
  driver = createComputeDriver({ runtime, environmentOf: (...of) => ({ OF: of.join(' ') }) });
});

type ComputeChange = Change<'cluster' | 'service'>;

const cluster = (action: 'create' | 'delete') =>
  ({ action, resource: { kind: 'cluster', name: OWN, tenantId: ID, spec: {} } }) as ComputeChange;
const service = (action: 'create' | 'update' | 'delete', size = { ...TIERS.advanced.task, desired: 2 }) =>
  ({
    action,
    resource: {
      kind: 'service',
      name: `${OWN}/orders`,
      tenantId: ID,
      spec: { cluster: OWN, service: 'orders', ready: true },
      inputs: { tier: 'premium', size },
    },
  }) as ComputeChange;

describe('the cluster and the services of a tenant', () => {
  test('are created, found and removed', async () => {
    expect(driver.kinds).toEqual(['cluster', 'service']);
    expect(await driver.observe(ID)).toEqual([]);
    await driver.apply(cluster('create'));
    expect(await driver.observe(ID)).toEqual([{ kind: 'cluster', name: OWN, tenantId: ID, spec: {} }]);
    await driver.apply(service('create'));
    expect(runtime.specs()).toMatchObject([
      {
        cluster: OWN,
        tenantId: ID,
        service: 'orders',
        environment: { OF: `${OWN} ${ID} premium` },
        size: { desired: 2 },
      },
    ]);
    expect(await driver.observe(ID)).toEqual([
      { kind: 'service', name: `${OWN}/orders`, tenantId: ID, spec: { cluster: OWN, service: 'orders', ready: true } },
      { kind: 'cluster', name: OWN, tenantId: ID, spec: {} },
    ]);
    await driver.apply(service('delete'));
    expect(await driver.observe(ID)).toEqual([{ kind: 'cluster', name: OWN, tenantId: ID, spec: {} }]);
    await driver.apply(cluster('delete'));
    expect(await driver.observe(ID)).toEqual([]);
  });

  test('are those of no other tenant, and not what tenants share', async () => {
    await driver.apply(cluster('create'));
    await driver.apply(service('create'));
    for (const shared of ['pool', 'shared'] as const) await runtime.ensureCluster(shared);
    expect(await driver.observe('globex00')).toEqual([]);
    const all = { ...runtime, clusters: () => runtime.clusters(), services: () => runtime.services() };
    const careless = createComputeDriver({ runtime: all as unknown as FakeRuntime, environmentOf: () => ({}) });
    expect(await careless.observe('globex00')).toHaveLength(0);
  });

  test('are not ready while fewer tasks are healthy than are desired', async () => {
    const ready = async () => (await driver.observe(ID)).map(({ spec }) => 'ready' in spec && spec.ready);
    await driver.apply(service('create'));
    expect(await ready()).toEqual([true, false]);
    runtime.hangTasksOf(ID);
    expect(await ready()).toEqual([false, false]);
    await driver.apply(service('update'));
    expect(await ready()).toEqual([true, false]);
  });
});

test('the data of a tenant are created, found and removed, and closed and removed once more at the end', async () => {
  const data = createDataDriver(runtime);
  const change = (action: 'create' | 'delete') =>
    ({ action, resource: { kind: 'data', name: 'data', tenantId: ID, spec: {} } }) as Change<'data'>;
  expect([data.kinds, await data.observe(ID)]).toEqual([['data'], []]);
  await data.apply(change('create'));
  expect(await data.observe(ID)).toEqual([{ kind: 'data', name: 'data', tenantId: ID, spec: {} }]);
  expect(await data.observe('globex00')).toEqual([]);
  await data.apply(change('delete'));
  expect(await data.observe(ID)).toEqual([]);
  runtime.data.add(ID);
  await data.purge?.(ID);
  expect(await data.observe(ID)).toEqual([]);
  // Closed before the last deletion: what is written before it is deleted, and nothing is written after it.
  expect(runtime.dataCalls).toEqual([`delete ${ID}`, `close ${ID}`, `delete ${ID}`]);
});
