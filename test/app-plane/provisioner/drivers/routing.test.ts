import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { routeKeys } from '../../../../adapters/embedded/metering/metering-keys.ts';
import { createRoutingDriver } from '../../../../app-plane/provisioner/drivers/routing.ts';
import { DomainError } from '../../../../core/errors.ts';
import type { Change } from '../../../../core/plan/resources.ts';
import { put } from '../../../../core/ports/table.ts';
import { type Route, routeKey } from '../../../../core/routing/registry.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';
import { FakeMeteringKeys } from '../fake-metering-keys.ts';

const ID = 'acme0000';
const KEY = { pk: `api-key#${ID}`, sk: 'api-key' };
/** 16 zero bytes in base64url. */
const FIRST_KEY = 'AAAAAAAAAAAAAAAAAAAAAA';
const TARGET = { slug: 'acme', tier: 'basic', realm: 'pool', cluster: 'pool', silo: false } as const;
const SPEC = { ...TARGET, metered: true };

type RoutingChange = Change<'api-key' | 'route'>;

const keyChange = (action: 'create' | 'update' | 'delete') =>
  ({ action, resource: { kind: 'api-key', name: 'api-key', tenantId: ID, spec: {} } }) as RoutingChange;
const routeChange = (action: 'create' | 'update' | 'delete', spec: object = SPEC) =>
  ({ action, resource: { kind: 'route', name: 'route', tenantId: ID, spec } }) as RoutingChange;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let driver: ReturnType<typeof createRoutingDriver>;
let changed: string[];
let made: number;

beforeEach(async () => {
  scratch = await openScratchTable();
  changed = [];
  made = 0;
  driver = createRoutingDriver({
    table: scratch.table,
    random: (length) => new Uint8Array(length).fill(made++),
    meteringKeys: routeKeys,
    onRouteChange: (tenantId) => void changed.push(tenantId),
  });
});
afterEach(() => scratch.close());

const applyAll = (...changes: RoutingChange[]) => driver.applyAll?.(changes);
const stored = async () => ({
  key: await scratch.table.get(KEY),
  route: await scratch.table.get(routeKey(ID)),
});

describe('the route and the API key of a tenant', () => {
  test('are created together: the route has the key, and the gateway is notified', async () => {
    expect([driver.kinds, await driver.observe(ID)]).toEqual([['api-key', 'route'], []]);
    await applyAll(keyChange('create'), routeChange('create'));
    const route = { tenantId: ID, ...TARGET, state: 'active', apiKey: FIRST_KEY };
    expect(await stored()).toEqual({
      key: expect.objectContaining({ version: 1, data: { tenantId: ID, key: FIRST_KEY } }),
      route: expect.objectContaining({ version: 1, data: route }),
    });
    expect(changed).toEqual([ID]);
    expect(await driver.observe(ID)).toEqual([
      { kind: 'api-key', name: 'api-key', tenantId: ID, spec: {} },
      { kind: 'route', name: 'route', tenantId: ID, spec: SPEC },
    ]);
    expect(await driver.observe('globex00')).toEqual([]);
  });

  test('are found as not metered while the route has no key, or another one', async () => {
    await driver.apply(routeChange('create'));
    expect((await stored()).route?.data).toEqual({ tenantId: ID, ...TARGET, state: 'active' });
    expect(await driver.observe(ID)).toMatchObject([{ kind: 'route', spec: { metered: false } }]);
    await driver.apply(keyChange('create'));
    expect(await driver.observe(ID)).toMatchObject([{ kind: 'api-key' }, { spec: { metered: false } }]);
    await driver.apply(routeChange('update'));
    expect(await driver.observe(ID)).toMatchObject([{ kind: 'api-key' }, { spec: { metered: true } }]);
  });

  test('keep the key and the state when they are changed', async () => {
    await applyAll(keyChange('create'), routeChange('create'));
    const { route } = await stored();
    if (!route) throw new Error('the route must exist');
    const suspended: Route = { ...route.data, state: 'suspended' };
    await scratch.table.transact([put({ ...routeKey(ID), version: 2, data: suspended }, { version: 1 })]);
    await applyAll(keyChange('update'), routeChange('update', { ...SPEC, slug: 'acme-2' }));
    expect(await stored()).toMatchObject({
      key: { version: 2, data: { key: FIRST_KEY } },
      route: { version: 3, data: { slug: 'acme-2', state: 'suspended', apiKey: FIRST_KEY } },
    });
  });

  test('are removed together; what does not exist is not removed', async () => {
    await applyAll(routeChange('delete'), keyChange('delete'));
    expect(changed).toEqual([]);
    await applyAll(keyChange('create'), routeChange('create'));
    await applyAll(routeChange('delete'), keyChange('delete'));
    expect(await stored()).toEqual({ key: undefined, route: undefined });
    expect(changed).toEqual([ID, ID]);
  });

  test('are removed one by one', async () => {
    await applyAll(keyChange('create'), routeChange('create'));
    await driver.apply(keyChange('delete'));
    expect((await stored()).key).toBeUndefined();
    expect((await stored()).route).toBeDefined();
    await driver.apply(routeChange('delete'));
    expect((await stored()).route).toBeUndefined();
  });

  test('are written without a key if the key is removed', async () => {
    await applyAll(keyChange('delete'), routeChange('create'));
    expect((await stored()).route?.data).toEqual({ tenantId: ID, ...TARGET, state: 'active' });
  });

  test('are not changed by an empty plan', async () => {
    await applyAll();
    expect(changed).toEqual([]);
  });

  test.each<[string, RoutingChange[]]>([
    ['changed', [keyChange('update'), routeChange('update')]],
    ['removed', [routeChange('delete'), keyChange('delete')]],
  ])('are not %s if another process has changed one of them since they were read', async (_what, changes) => {
    await applyAll(keyChange('create'), routeChange('create'));
    const before = await stored();
    const { table } = scratch;
    const transact: typeof table.transact = async (writes) => {
      const { route } = before;
      if (route) await table.transact([put({ ...route, version: 2 }, { version: 1 })]);
      return table.transact(writes);
    };
    const racing = createRoutingDriver({
      table: { get: table.get.bind(table), transact } as typeof table,
      random: (length) => new Uint8Array(length),
      meteringKeys: routeKeys,
      onRouteChange: () => void changed.push('notified too early'),
    });
    await expect(racing.applyAll?.(changes)).rejects.toMatchObject({ code: 'CONDITION_FAILED' });
    expect((await stored()).key).toEqual(before.key);
    expect(changed).toEqual([ID]);
  });

  test('are not created twice by two processes at once', async () => {
    const { table } = scratch;
    const transact: typeof table.transact = async (writes) => {
      await driver.apply(keyChange('create'));
      return table.transact(writes);
    };
    const racing = createRoutingDriver({
      table: { get: table.get.bind(table), transact } as typeof table,
      random: (length) => new Uint8Array(length).fill(9),
      meteringKeys: routeKeys,
      onRouteChange: () => undefined,
    });
    await expect(racing.apply(keyChange('create'))).rejects.toMatchObject({ code: 'CONDITION_FAILED' });
    expect((await stored()).key?.data).toEqual({ tenantId: ID, key: FIRST_KEY });
  });
});

describe('a key that another service keeps', () => {
  let keys: FakeMeteringKeys;
  let serviceDriver: ReturnType<typeof createRoutingDriver>;
  beforeEach(() => {
    keys = new FakeMeteringKeys();
    serviceDriver = createRoutingDriver({
      table: scratch.table,
      random: (length) => new Uint8Array(length).fill(made++),
      meteringKeys: keys,
      onRouteChange: (tenantId) => void changed.push(tenantId),
    });
  });
  const create = [keyChange('create'), routeChange('create')];

  test('RT-2: works in the usage plan of the tier before the route names it', async () => {
    const order: unknown[] = [];
    const ensure = keys.ensure.bind(keys);
    keys.ensure = async (key) => {
      const { key: own, route } = await stored();
      order.push(own?.data.key, route?.data.apiKey);
      return ensure(key);
    };
    await serviceDriver.applyAll?.(create);
    expect(order).toEqual([FIRST_KEY, undefined]);
    expect(keys.keys.get(ID)).toEqual({ tenantId: ID, tier: 'basic', value: FIRST_KEY });
    expect((await stored()).route?.data.apiKey).toBe(FIRST_KEY);
  });

  test('has the value of the first attempt when the service fails or the process ends meanwhile', async () => {
    const ensure = keys.ensure.bind(keys);
    keys.ensure = () => Promise.reject(new DomainError('UNAVAILABLE', 'API Gateway failed'));
    await expect(serviceDriver.applyAll?.(create)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await stored()).key?.data.key).toBe(FIRST_KEY);
    expect(await serviceDriver.observe(ID)).toEqual([{ kind: 'api-key', name: 'api-key', tenantId: ID, spec: {} }]);
    keys.ensure = ensure;
    // The next plan finds the key and creates only the route.
    await serviceDriver.applyAll?.([routeChange('create')]);
    expect(keys.keys.get(ID)?.value).toBe(FIRST_KEY);
    expect((await stored()).route?.data.apiKey).toBe(FIRST_KEY);
  });

  test('is waited for when it takes a turn: the route is not written before', async () => {
    const ensure = keys.ensure.bind(keys);
    const pending = { pending: 'the tenant waits for its turn', lookAgainMs: 200 };
    keys.ensure = async () => pending;
    expect(await serviceDriver.applyAll?.(create)).toEqual(pending);
    expect((await stored()).route).toBeUndefined();
    keys.ensure = ensure;
    expect(await serviceDriver.applyAll?.([routeChange('create')])).toBeUndefined();
    expect((await stored()).route?.data.apiKey).toBe(FIRST_KEY);
  });

  test('RT-2: is checked until it works, and the route counts as metered only then', async () => {
    const metered = async () => {
      const route = (await serviceDriver.observe(ID)).find(({ kind }) => kind === 'route');
      return route && 'metered' in route.spec && route.spec.metered;
    };
    keys.delayedChecks = 2;
    const pending = { pending: 'its new API key does not work yet', lookAgainMs: expect.any(Number) };
    expect(await serviceDriver.applyAll?.(create)).toEqual(pending);
    expect(await metered()).toBe(false);
    const version = (await stored()).route?.version;
    expect(await serviceDriver.applyAll?.([routeChange('update')])).toEqual(pending);
    expect(await metered()).toBe(false);
    expect(await serviceDriver.applyAll?.([routeChange('update')])).toBeUndefined();
    expect(await metered()).toBe(true);
    // Checks do not touch the route that requests are served by.
    expect([(await stored()).route?.version, changed]).toEqual([version, [ID]]);
    keys.check = () => Promise.reject(new Error('a key that works is not checked again'));
    await serviceDriver.applyAll?.([routeChange('update', { ...SPEC, slug: 'acme2' })]);
    expect(await metered()).toBe(true);
  });

  test('moves to the usage plan of another tier with the route', async () => {
    await serviceDriver.applyAll?.(create);
    const ensured = keys.ensure;
    keys.ensure = () => Promise.reject(new Error('a moved key is not created again'));
    await serviceDriver.applyAll?.([routeChange('update', { ...SPEC, tier: 'premium' })]);
    keys.ensure = ensured;
    expect(keys.keys.get(ID)).toEqual({ tenantId: ID, tier: 'premium', value: FIRST_KEY });
  });

  test('is deleted with the tenant', async () => {
    await serviceDriver.applyAll?.(create);
    await serviceDriver.applyAll?.([routeChange('delete'), keyChange('delete')]);
    expect([keys.keys.size, (await stored()).key]).toEqual([0, undefined]);
  });
});
