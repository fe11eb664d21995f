import { beforeEach, describe, expect, test } from '@jest/globals';
import { createPlaces } from '../../../../adapters/embedded/runtime/places.ts';
import { createDeploymentDriver } from '../../../../app-plane/provisioner/drivers/deployment.ts';
import { DomainError } from '../../../../core/errors.ts';
import type { Change, Resource, TenantSpec } from '../../../../core/plan/resources.ts';
import type { DeploymentStatus, Runtime } from '../../../../core/ports/runtime.ts';
import type { TenantData } from '../../../../core/ports/tenant-data.ts';
import type { TierName } from '../../../../core/tier/tiers.ts';
import { shapeOf } from '../../../../tenant-templates/shape.ts';
import { TIERS } from '../../../../tenant-templates/tiers.ts';
import { FakeRuntime, FakeTenantData } from '../fake-runtime.ts';

const ID = 'acme0000';
const OWN = `tenant-${ID}` as const;
const SERVICES = ['orders', 'products'];

type Kind = 'data' | 'cluster' | 'service';

let runtime: FakeRuntime;
let data: FakeTenantData;

beforeEach(() => {
  runtime = new FakeRuntime();
  data = new FakeTenantData(runtime);
});

function driver(
  change: {
    services?: string[];
    runtime?: Pick<Runtime, 'deploy' | 'withdraw' | 'deployment'>;
    data?: Partial<TenantData>;
  } = {},
) {
  return createDeploymentDriver({
    runtime: change.runtime ?? runtime,
    data: { ...store(), ...change.data },
    places: createPlaces(TIERS),
    services: change.services ?? SERVICES,
    release: '1.2.3',
    environmentOf: (...of) => ({ OF: of.join(' ') }),
  });
}

function store(): TenantData {
  return {
    ensure: (tenantId) => data.ensure(tenantId),
    has: (tenantId) => data.has(tenantId),
    delete: (tenantId) => data.delete(tenantId),
    close: (tenantId) => data.close(tenantId),
  };
}

function specOf(tier: TierName, tenantId = ID): TenantSpec {
  return { tenantId, registrationId: 'reg', name: 'Acme', slug: 'acme', tier, email: 'a@acme.example' };
}

/** What a silo tenant has, without what other drivers create. */
function resourcesOf(tier: TierName, tenantId = ID): Resource[] {
  return shapeOf(specOf(tier, tenantId), TIERS, SERVICES).filter(({ kind }) =>
    ['data', 'cluster', 'service'].includes(kind),
  );
}

const changes = (action: Change['action'], resources: readonly Resource[]) =>
  resources.map((resource) => ({ action, resource })) as Change<Kind>[];
const labels = (all: readonly Change[] | undefined) => all?.map(({ resource }) => resource.name);
/** Without inputs, which cannot be observed; sorted. */
const observable = (resources: readonly Resource[]) =>
  resources.map(({ kind, name, tenantId, spec }) => ({ kind, name, tenantId, spec })).sort(byName);
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
const observed = async (one = driver(), tenantId = ID) => [...(await one.observe(tenantId))].sort(byName);
const reporting = (status: DeploymentStatus) => ({
  deploy: async () => status,
  withdraw: async () => status,
  deployment: async () => status,
});

describe('the data, the cluster and the services of a silo tenant', () => {
  test.each(['advanced', 'premium'] as const)('of tier %s are created, found and removed together', async (tier) => {
    const resources = resourcesOf(tier);
    expect(await observed()).toEqual([]);
    expect(await driver().applyAll?.(changes('create', resources))).toBeUndefined();
    expect(await observed()).toEqual(observable(resources));
    const cluster = tier === 'premium' ? OWN : 'shared';
    const { task: size } = TIERS[tier];
    expect(runtime.specs()).toMatchObject(
      SERVICES.map((service) => ({ cluster, service, size, environment: { OF: `${cluster} ${ID} ${tier}` } })),
    );
    expect(await runtime.deployment(`tenant-${ID}`)).toMatchObject({ state: 'ready', release: '1.2.3' });
    expect(await observed(driver(), 'globex00')).toEqual([]);
    expect(await driver().applyAll?.(changes('delete', resources.toReversed()))).toBeUndefined();
    expect(await observed()).toEqual([]);
  });

  test.each<[Kind[], string[]]>([
    [['data'], ['data.has']],
    [['service'], ['runtime.deployment']],
    [
      ['data', 'cluster'],
      ['runtime.deployment', 'data.has'],
    ],
  ])('are looked for where %j may be, and nowhere else', async (kinds, expected) => {
    const asked: string[] = [];
    const one = driver({
      runtime: {
        ...reporting({ state: 'absent', parts: [] }),
        deployment: async () => {
          asked.push('runtime.deployment');
          return { state: 'absent', parts: [] };
        },
      },
      data: { has: async () => asked.push('data.has') > 9 },
    });
    expect(await one.observe(ID, kinds)).toEqual([]);
    expect(asked).toEqual(expected);
  });

  test('are deployed as a whole although one service alone has changed', async () => {
    const resources = resourcesOf('advanced');
    await driver().applyAll?.(changes('create', resources));
    runtime.hangTasksOf(ID);
    const ready = async () => (await observed()).map(({ spec }) => ('ready' in spec ? spec.ready : 'data'));
    expect(await ready()).toEqual(['data', false, false]);
    await driver().apply(changes('update', resources)[1] as Change<Kind>);
    expect(await ready()).toEqual(['data', true, true]);
  });

  test('of an earlier release are deployed with that release, and left as they are once they run it', async () => {
    const version = { release: '1.0.0' };
    const resources = shapeOf(specOf('advanced'), TIERS, SERVICES, version).filter(({ kind }) => kind === 'service');
    const released = async () => (await runtime.deployment(`tenant-${ID}`)).release;
    await driver({ data: { has: async () => true } }).applyAll?.(changes('create', resourcesOf('advanced')));
    expect(await released()).toBe('1.2.3');
    await driver().applyAll?.(changes('update', resources));
    expect(await released()).toBe('1.0.0');
    const deployed: string[] = [];
    const watched = driver({
      runtime: {
        deploy: async (spec) => {
          deployed.push(spec.release);
          return await runtime.deploy(spec);
        },
        withdraw: (id) => runtime.withdraw(id),
        deployment: (id) => runtime.deployment(id),
      },
    });
    await watched.applyAll?.(changes('update', resources));
    expect(deployed).toEqual([]);
    await runtime.withdraw(`tenant-${ID}`);
    await watched.applyAll?.(changes('create', resources));
    expect(deployed).toEqual(['1.0.0']);
  });

  test('are not reported beside services that the application no longer has, which the next deployment removes', async () => {
    await driver({ services: ['orders', 'products', 'old'] }).applyAll?.(changes('create', resourcesOf('advanced')));
    expect(await observed()).toEqual(observable(resourcesOf('advanced')));
    expect((await observed(driver({ services: ['new'] }))).map(({ name }) => name)).toContain('shared/old');
    await driver().applyAll?.(changes('update', resourcesOf('advanced').slice(1)));
    expect(runtime.specs().map(({ service }) => service)).toEqual(SERVICES);
  });

  test('that fail are named, with the ones that were done before', async () => {
    runtime.broken.add(`${ID}/products`);
    const failed = driver().applyAll?.(changes('create', resourcesOf('premium')));
    const error = await failed?.then(undefined, (thrown) => thrown);
    expect(labels(error.failed)).toEqual([`${OWN}/products`]);
    expect(labels(error.done)?.sort()).toEqual(['data', OWN, `${OWN}/orders`].sort());
    expect(error.cause).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('damaged') });
  });

  test('are not deployed before their data exist', async () => {
    const full = async () => {
      throw new DomainError('UNAVAILABLE', 'the disk is full');
    };
    const failed = driver({ data: { ensure: full } }).applyAll?.(changes('create', resourcesOf('premium')));
    const error = await failed?.then(undefined, (thrown) => thrown);
    expect([labels(error.failed), labels(error.done)]).toEqual([['data'], []]);
    expect(runtime.specs()).toEqual([]);
  });
});

describe('a deployment that goes on elsewhere', () => {
  const changing: DeploymentStatus = {
    state: 'changing',
    cluster: OWN,
    reason: 'its stack is being created',
    parts: [],
  };

  test('is waited for, and what follows it is not tried', async () => {
    const waiting = driver({ runtime: reporting(changing) });
    const pending = { pending: 'its stack is being created', lookAgainMs: 5_000 };
    expect(await waiting.applyAll?.(changes('create', resourcesOf('premium')))).toEqual(pending);
    await data.ensure(ID);
    expect(await waiting.applyAll?.(changes('delete', resourcesOf('premium').toReversed()))).toEqual(pending);
    expect(data.calls).toEqual([]);
  });

  test('is observed part by part', async () => {
    const startedAt = new Date(0).toISOString();
    const parts = [
      { name: 'orders', status: 'done', startedAt },
      { name: 'products', status: 'running', startedAt },
    ] as const;
    const found = await observed(driver({ runtime: reporting({ ...changing, parts }) }));
    expect(found.map(({ name, spec }) => [name, 'ready' in spec && spec.ready])).toEqual([
      [OWN, false],
      [`${OWN}/orders`, true],
      [`${OWN}/products`, false],
    ]);
  });

  test('ON-1: has no service that is ready while something besides its services changes', async () => {
    const startedAt = new Date(0).toISOString();
    const parts = SERVICES.map((name) => ({ name, status: 'done', startedAt }) as const);
    const readyIn = async (status: DeploymentStatus) => {
      const found = await observed(driver({ runtime: reporting({ ...status, parts }) }));
      return found.flatMap(({ spec }) => ('ready' in spec ? [spec.ready] : []));
    };
    expect(await readyIn(changing)).toEqual([false, false]);
    expect(await readyIn({ ...changing, state: 'ready' })).toEqual([true, true]);
    // An update was rolled back, and the former tasks serve.
    expect(await readyIn({ ...changing, state: 'failed' })).toEqual([true, true]);
  });

  test.each(['create', 'delete'] as const)('fails for good when it has failed: %s', async (action) => {
    const failed = { ...changing, state: 'failed', reason: 'orders: the image does not start' } as const;
    const applied = driver({ runtime: reporting(failed) }).applyAll?.(changes(action, resourcesOf('premium').slice(1)));
    await expect(applied).rejects.toMatchObject({
      cause: { code: 'FAILED', message: 'orders: the image does not start' },
    });
  });

  test('begins only when the data exist, and data are deleted only when it is gone', async () => {
    const pending = { pending: 'its tables are being created', lookAgainMs: 1 };
    const waiting = driver({ data: { ensure: async () => pending, delete: async () => pending } });
    expect(await waiting.applyAll?.(changes('create', resourcesOf('advanced')))).toEqual(pending);
    expect(runtime.specs()).toEqual([]);
    expect(await waiting.applyAll?.(changes('delete', resourcesOf('advanced').toReversed()))).toEqual(pending);
    expect(await waiting.purge?.(ID)).toEqual(pending);
  });
});

test('the data of a tenant are closed before they are removed once more at the end', async () => {
  data.tenants.add(ID);
  await driver().purge?.(ID);
  expect(await observed()).toEqual([]);
  // What is written before the store is closed is deleted, and nothing is written after it.
  expect(data.calls).toEqual([`close ${ID}`, `delete ${ID}`]);
});
