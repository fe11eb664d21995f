import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ApplyDeps, applyPlan, purge } from '../../../app-plane/provisioner/apply.ts';
import { Claim } from '../../../app-plane/provisioner/claim.ts';
import { loadPlacement } from '../../../app-plane/provisioner/placement.ts';
import { DomainError } from '../../../core/errors.ts';
import { ChangesFailed } from '../../../core/plan/changes-failed.ts';
import type { Change, ResourceDriver, ResourceKind } from '../../../core/plan/resources.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { until } from '../../support/until.ts';
import { placementOf, store } from './placements.ts';

const ID = 'acme0000';
const STEP_MS = 1_000;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let claim: Claim;
/** What happened, in order. */
let calls: string[];

beforeEach(async () => {
  scratch = await openScratchTable();
  calls = [];
  await store(scratch.table, placementOf());
  const item = await loadPlacement(scratch.table, ID);
  if (!item) throw new Error('the placement must exist');
  claim = await Claim.take(scratch.table, scratch.clock, 'one', item);
});
afterEach(async () => {
  claim.close();
  await scratch.close();
});

function change(action: Change['action'], kind: ResourceKind, name: string = kind): Change {
  return { action, resource: { kind, name, tenantId: ID } } as unknown as Change;
}

const label = ({ action, resource }: Change) => `${action} ${resource.name}`;

/** A driver that records its calls; `work` may delay or fail them. */
function driverOf(
  kinds: readonly ResourceKind[],
  work: (change: Change) => Promise<void> = async () => undefined,
): ResourceDriver {
  return {
    kinds,
    observe: async () => [],
    async apply(one) {
      calls.push(`apply ${label(one)}`);
      await work(one);
      calls.push(`applied ${label(one)}`);
    },
  };
}

function depsOf(...drivers: ResourceDriver[]): ApplyDeps {
  return {
    drivers,
    clock: scratch.clock,
    stepMs: STEP_MS,
    pendingMs: 3_600_000,
    checkpoint: (name) => void calls.push(`[${name}]`),
  };
}

const stepNames = () => claim.steps.map(({ name }) => name);

describe('the changes of a plan', () => {
  test('are applied in order, each between its own checkpoints', async () => {
    const deps = depsOf(driverOf(['user-pool', 'cluster']));
    await applyPlan([change('create', 'user-pool'), change('create', 'cluster')], claim, deps);
    expect(calls).toEqual([
      '[before create user pool]',
      'apply create user-pool',
      'applied create user-pool',
      '[after create user pool]',
      '[before create cluster]',
      'apply create cluster',
      'applied create cluster',
      '[after create cluster]',
    ]);
  });

  test('are applied at the same time where they are alike', async () => {
    const plan = [change('create', 'service', 'pool/a'), change('create', 'service', 'pool/b')];
    await applyPlan(plan, claim, depsOf(driverOf(['service'])));
    expect(calls).toEqual([
      '[before create service a, create service b]',
      'apply create pool/a',
      'apply create pool/b',
      'applied create pool/a',
      'applied create pool/b',
      '[after create service a, create service b]',
    ]);
    expect(stepNames()).toEqual(['create service a', 'create service b']);
  });

  test.each<[string, Change, Change]>([
    ['of different kinds', change('create', 'service', 'a/b'), change('create', 'cluster')],
    ['with different actions', change('create', 'service', 'a/b'), change('update', 'service', 'a/c')],
  ])('%s are applied one after the other', async (_what, first, second) => {
    await applyPlan([first, second], claim, depsOf(driverOf(['service', 'cluster'])));
    const applied = calls.filter((call) => !call.startsWith('['));
    expect(applied).toEqual([first, second].flatMap((one) => [`apply ${label(one)}`, `applied ${label(one)}`]));
  });

  test('of a driver that applies all at once are given to it together, as one step each', async () => {
    const batches: string[][] = [];
    const driver: ResourceDriver = {
      ...driverOf(['api-key', 'route']),
      applyAll: async (changes) => void batches.push(changes.map(label)),
    };
    const plan = [change('create', 'cluster'), change('create', 'api-key'), change('update', 'route')];
    await applyPlan(plan, claim, depsOf(driver, driverOf(['cluster'])));
    expect(batches).toEqual([['create api-key', 'update route']]);
    expect(stepNames()).toEqual(['create cluster', 'create API key', 'update route']);
    expect(calls).not.toContain('apply create api-key');
  });

  test('of which one fails together with others are recorded one by one, and those that were not tried not at all', async () => {
    const plan = [change('create', 'data'), change('create', 'service', 'a/b'), change('create', 'service', 'a/c')];
    const [data, failing] = [plan.slice(0, 1), plan.slice(1, 2)];
    const driver: ResourceDriver = {
      ...driverOf(['data', 'service']),
      applyAll: () =>
        Promise.reject(new ChangesFailed({ failed: failing, done: data }, new DomainError('FAILED', 'no'))),
    };
    await expect(applyPlan(plan, claim, depsOf(driver))).rejects.toMatchObject({ code: 'FAILED', message: 'no' });
    expect(claim.failedStep).toBe('create service b');
    expect(claim.steps).toMatchObject([
      { name: 'create data store', status: 'done' },
      { name: 'create service b', status: 'failed', reason: 'no' },
    ]);
    expect(claim.steps).toHaveLength(2);
  });

  test('need a driver of their kind', async () => {
    const applied = applyPlan([change('create', 'route')], claim, depsOf(driverOf(['cluster'])));
    await expect(applied).rejects.toThrow('no driver for route');
  });

  test('are not applied by a claim that has ended', async () => {
    claim.abandon();
    const deps = depsOf(driverOf(['cluster']));
    await expect(applyPlan([change('create', 'cluster')], claim, deps)).rejects.toThrow(/changed by another process/);
    await expect(purge(claim, deps)).rejects.toThrow(/changed by another process/);
    expect(calls).toEqual([]);
  });
});

describe('a change that fails', () => {
  test('ends the plan, after those that are applied at the same time have ended', async () => {
    const slow = Promise.withResolvers<void>();
    const driver = driverOf(['service', 'cluster'], (one) =>
      one.resource.name === 'pool/a' ? Promise.reject(new Error('no room')) : slow.promise,
    );
    const plan = [
      change('create', 'service', 'pool/a'),
      change('create', 'service', 'pool/b'),
      change('create', 'cluster'),
    ];
    let isOver = false;
    const applied = applyPlan(plan, claim, depsOf(driver)).finally(() => {
      isOver = true;
    });
    applied.catch(() => undefined);
    await until(() => claim.failedStep !== undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    slow.resolve();
    await expect(applied).rejects.toThrow('no room');
    expect(calls.filter((call) => call.startsWith('apply ') || call.startsWith('[after'))).toEqual([
      'apply create pool/a',
      'apply create pool/b',
    ]);
    expect(claim.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'create service a failed',
      'create service b done',
    ]);
  });

  test.each([
    ['one by one', false, 'create API key'],
    ['all at once', true, 'create API key, create route'],
  ])('because it takes too long is reported with its name and the limit: %s', async (_how, isAtOnce, names) => {
    const endless = () => new Promise<void>(() => undefined);
    const driver = { ...driverOf(['api-key', 'route'], endless), ...(isAtOnce && { applyAll: endless }) };
    const applied = applyPlan([change('create', 'api-key'), change('create', 'route')], claim, depsOf(driver));
    applied.catch(() => undefined);
    await until(() => claim.steps.length > 0);
    scratch.clock.advance(STEP_MS);
    await expect(applied).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: `${names} did not end within ${STEP_MS} ms`,
    });
  });
});

test.each<[Change['action'], ResourceKind, string, string]>([
  ['create', 'user-pool', 'tenant-acme0000', 'create user pool'],
  ['delete', 'user-pool', 'tenant-acme0000', 'remove user pool'],
  ['create', 'data', 'data', 'create data store'],
  ['delete', 'cluster', 'tenant-acme0000', 'remove cluster'],
  ['update', 'service', 'shared/orders', 'update service orders'],
  ['delete', 'service', 'shared/orders', 'remove service orders'],
  ['create', 'admin-user', 'pool', 'create administrator'],
  ['delete', 'admin-user', 'pool', 'remove users'],
  ['create', 'api-key', 'api-key', 'create API key'],
  ['update', 'route', 'route', 'update route'],
])('the step to %s %s %s is shown as: %s', async (action, kind, name, shown) => {
  await applyPlan([change(action, kind, name)], claim, depsOf(driverOf([kind])));
  expect(stepNames()).toEqual([shown]);
});

describe('the last step of an offboarding', () => {
  const purging = (name: string, work: () => Promise<void>): ResourceDriver => ({
    ...driverOf(['cluster']),
    purge: async (tenantId) => {
      calls.push(`purge ${name} of ${tenantId}`);
      await work();
    },
  });

  test('removes what every driver has left, one driver after the other', async () => {
    const done = async () => undefined;
    await purge(claim, depsOf(purging('users', done), driverOf(['data']), purging('data', done)));
    expect(calls).toEqual([
      '[before remove remains]',
      `purge users of ${ID}`,
      `purge data of ${ID}`,
      '[after remove remains]',
    ]);
    expect(claim.steps).toMatchObject([{ name: 'remove remains', status: 'done' }]);
  });

  test('fails if it takes too long, or if a driver fails', async () => {
    const failing = purge(claim, depsOf(purging('users', () => Promise.reject(new Error('no room')))));
    await expect(failing).rejects.toThrow('no room');
    const endless = purge(claim, depsOf(purging('data', () => new Promise(() => undefined))));
    endless.catch(() => undefined);
    await until(() => calls.includes(`purge data of ${ID}`));
    scratch.clock.advance(STEP_MS);
    await expect(endless).rejects.toThrow(`remove remains did not end within ${STEP_MS} ms`);
    expect(claim.steps.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(calls).not.toContain('[after remove remains]');
  });
});
