import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type AcceptDeps, createAcceptConsumer } from '../../../app-plane/provisioner/accept.ts';
import { loadPlacement, type Placement, placementKey } from '../../../app-plane/provisioner/placement.ts';
import type { ResourceKind } from '../../../core/plan/resources.ts';
import { put } from '../../../core/ports/table.ts';
import { shapeOf } from '../../../tenant-templates/shape.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { until } from '../../support/until.ts';
import { placementOf, store } from './placements.ts';
import { offboarding, onboarding } from './world.ts';

const ID = 'acme0000';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let queued: Placement[];
/** The checkpoints that were passed; `onCheckpoint` may intervene. */
let passed: string[];
let onCheckpoint: (name: string) => Promise<void>;

beforeEach(async () => {
  scratch = await openScratchTable();
  queued = [];
  passed = [];
  onCheckpoint = async () => undefined;
});
afterEach(() => scratch.close());

const consumer = () => createAcceptConsumer(deps());

function deps(): AcceptDeps {
  return {
    ...{
      table: scratch.table,
      clock: scratch.clock,
      tiers: TIERS,
      shapeOf: (spec) => shapeOf(spec, TIERS),
      concurrency: 7,
    },
    queue: (placement) => void queued.push(placement),
    async checkpoint(name, tenantId) {
      passed.push(`${name} ${tenantId}`);
      await onCheckpoint(name);
    },
  };
}

const placement = async () => (await loadPlacement(scratch.table, ID))?.data;
const now = () => scratch.clock.now();

test('the consumer handles both requests, as many at a time as it is allowed', () => {
  expect(consumer()).toMatchObject({
    name: 'app-plane-accept',
    detailTypes: ['onboardingRequest', 'offboardingRequest'],
    concurrency: 7,
  });
});

describe('a request to onboard', () => {
  const event = onboarding(ID, 'premium', { tenantName: 'Acme Inc.' });
  const spec = {
    ...{ tenantId: ID, registrationId: `reg-${ID}`, name: 'Acme Inc.', slug: 'acme-inc', tier: 'premium' },
    email: `admin@${ID}.example`,
  };
  const accepted = () => ({
    ...{ tenantId: ID, registrationId: `reg-${ID}`, spec, desired: 'present', phase: 'accepted' },
    ...{ steps: [], attempts: 0, acceptedAt: now() },
    createdKinds: ['user-pool', 'data', 'cluster', 'service', 'admin-user', 'api-key', 'route'],
  });

  test('is accepted: the placement is stored with the kinds that it may create, and queued', async () => {
    await consumer().handle(event);
    expect(await placement()).toEqual(accepted());
    expect(queued).toEqual([accepted()]);
    expect(passed).toEqual([`accept ${ID}`, `accepted ${ID}`]);
  });

  test('starts again after a failure, without anything of the failed attempt', async () => {
    await store(scratch.table, placementOf({ phase: 'failed', failure: 'no room', attempts: 5, nextAttemptAt: 9 }));
    await consumer().handle(event);
    const { createdKinds: _, ...expected } = accepted();
    // A placement of an earlier version does not know its kinds, so it may have any.
    expect(await placement()).toEqual(expected);
  });

  test.each<[string, ResourceKind[], ResourceKind[]]>([
    [
      'keeps the kinds of the failed attempt',
      ['cluster', 'service'],
      ['cluster', 'service', 'admin-user', 'api-key', 'route'],
    ],
    ['names each kind once', ['route'], ['admin-user', 'api-key', 'route']],
  ])('in another tier after a failure %s', async (_what, before, after) => {
    await store(scratch.table, placementOf({ phase: 'failed', failure: 'no room', createdKinds: before }));
    await consumer().handle(onboarding(ID, 'basic'));
    expect((await placement())?.createdKinds).toEqual(after);
  });

  test('with prices keeps them, for the result', async () => {
    const prices = [{ id: 'p1', metricName: 'm' }];
    await consumer().handle({ ...event, detail: { ...event.detail, prices } });
    expect((await placement())?.spec?.prices).toEqual(prices);
  });

  test('of a ready tenant takes its present prices, and allows a change that was rolled back to be tried again', async () => {
    const old = placementOf({ phase: 'ready', updateFailure: 'the stack was rolled back' });
    await store(scratch.table, { ...old, ...(old.spec && { spec: { ...old.spec, prices: ['old'] } }) });
    await consumer().handle({ ...event, detail: { ...event.detail, prices: ['new'] } });
    const after = await placement();
    expect([after?.spec?.prices, after?.updateFailure, after?.unannounced]).toEqual([['new'], undefined, true]);
  });

  test('is handled when the tenant is queued', async () => {
    const queueing = Promise.withResolvers<void>();
    const accepting = createAcceptConsumer({ ...deps(), queue: () => queueing.promise }).handle(event);
    let isHandled = false;
    void accepting.then(() => {
      isHandled = true;
    });
    await until(async () => (await placement())?.phase === 'accepted');
    expect(isHandled).toBe(false);
    queueing.resolve();
    await accepting;
  });

  test('fails if the tenant cannot be queued', async () => {
    const error = new Error('no queue');
    const accepting = createAcceptConsumer({ ...deps(), queue: () => Promise.reject(error) });
    await expect(accepting.handle(event)).rejects.toBe(error);
  });

  test('is announced again if the tenant is ready', async () => {
    const ready = placementOf({ phase: 'ready', allocations: { realm: 'pool', cluster: 'pool', silo: false } });
    await store(scratch.table, ready);
    await consumer().handle(event);
    expect(await placement()).toEqual({ ...ready, unannounced: true, nextAttemptAt: now() });
    expect(queued).toHaveLength(1);
  });

  test.each<[string, Partial<Placement>]>([
    ['is in progress', { phase: 'provisioning' }],
    ['is accepted already', { phase: 'accepted' }],
    ['is being removed', { phase: 'deprovisioning', desired: 'absent' }],
    ['is gone', { phase: 'gone', desired: 'absent' }],
    ['could not be removed', { phase: 'failed', desired: 'absent', failure: 'no room' }],
  ])('changes nothing if the tenant %s', async (_what, state) => {
    const before = placementOf(state);
    await store(scratch.table, before);
    await consumer().handle(event);
    expect(await placement()).toEqual(before);
    expect(queued).toEqual([]);
    expect(passed).toEqual([`accept ${ID}`]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['an unknown tier', { tier: 'platinum' }, /^tier must be one of basic, advanced, premium, got 'platinum'$/],
    ['a name without a letter', { tenantName: '---' }, /letter or digit/],
  ])('with %s is refused and stores nothing', async (_what, detail, message) => {
    const bad = onboarding(ID, 'basic', detail);
    await expect(consumer().handle(bad)).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(message),
    });
    expect([await placement(), queued]).toEqual([undefined, []]);
  });
});

describe('a request to offboard', () => {
  const event = offboarding(ID);
  const leaving = () => ({
    ...{ tenantId: ID, registrationId: `reg-${ID}`, desired: 'absent', phase: 'deprovisioning' },
    ...{ steps: [], attempts: 0, acceptedAt: now() },
  });

  test('of a tenant that was never accepted stores that it is absent', async () => {
    await consumer().handle(event);
    expect(await placement()).toEqual(leaving());
    expect(queued).toEqual([leaving()]);
  });

  test('keeps what is needed to remove the tenant, and nothing of earlier attempts', async () => {
    const kept = {
      allocations: { realm: 'pool', cluster: 'shared', silo: true },
      createdKinds: ['cluster', 'route'],
    } as const;
    const waits = { attempts: 2, nextAttemptAt: 9, waitMs: 9, pending: 'stack a', pendingSince: 1 };
    const ready = placementOf({ phase: 'ready', ...kept, ...waits, unannounced: true, updateFailure: 'rolled back' });
    await store(scratch.table, ready);
    await consumer().handle(event);
    expect(await placement()).toEqual({ ...leaving(), spec: ready.spec, ...kept });
  });

  test.each<[string, Partial<Placement>]>([
    ['is gone', { phase: 'gone', desired: 'absent' }],
    ['could not be removed', { phase: 'failed', desired: 'absent', failure: 'no room' }],
  ])('begins again if the tenant %s', async (_what, state) => {
    const before = placementOf(state);
    await store(scratch.table, before);
    await consumer().handle(event);
    expect(await placement()).toEqual({ ...leaving(), spec: before.spec });
    expect(queued).toHaveLength(1);
  });

  test('changes nothing while the tenant is being removed', async () => {
    const before = placementOf({ phase: 'deprovisioning', desired: 'absent' });
    await store(scratch.table, before);
    await consumer().handle(event);
    expect([await placement(), queued]).toEqual([before, []]);
  });
});

describe('the lease of a tenant', () => {
  test.each([
    ['an onboarding request', () => onboarding(ID, 'basic'), { phase: 'failed' }],
    ['an offboarding request', () => offboarding(ID), { phase: 'provisioning' }],
  ] as const)('stays with its holder when %s is accepted', async (_what, request, state) => {
    const lease = { owner: 'two', until: now() + 1 };
    await store(scratch.table, placementOf({ ...state, lease }));
    await consumer().handle(request());
    expect((await placement())?.lease).toEqual(lease);
  });
});

describe('a request that arrives again', () => {
  test('changes nothing, and queues the tenant once more', async () => {
    const event = onboarding(ID, 'basic');
    await consumer().handle(event);
    const first = await scratch.table.get(placementKey(ID));
    await scratch.table.transact([put({ ...placementKey(ID), version: 5, data: placementOf({ phase: 'failed' }) })]);
    await consumer().handle(event);
    expect((await scratch.table.get(placementKey(ID)))?.version).toBe(5);
    expect(first?.version).toBe(1);
  });

  test('is decided again if the placement changes meanwhile', async () => {
    let isFirst = true;
    onCheckpoint = async (name) => {
      if (name !== 'accept' || !isFirst) return;
      isFirst = false;
      await store(scratch.table, placementOf({ phase: 'gone', desired: 'absent' }));
    };
    await consumer().handle(onboarding(ID, 'basic'));
    expect(await placement()).toMatchObject({ phase: 'gone', desired: 'absent' });
    expect(queued).toEqual([]);
  });

  test('is accepted however often the placement changes meanwhile', async () => {
    await store(scratch.table, placementOf({ phase: 'ready' }));
    let changes = 0;
    onCheckpoint = async (name) => {
      if (name !== 'accept' || ++changes > 20) return;
      const item = await loadPlacement(scratch.table, ID);
      if (item) await scratch.table.transact([put({ ...item, version: item.version + 1 }, { version: item.version })]);
    };
    await consumer().handle(offboarding(ID));
    expect(await placement()).toMatchObject({ phase: 'deprovisioning' });
  });

  test('fails with the error of the store, so that it is delivered again', async () => {
    const error = new Error('no disk');
    onCheckpoint = async (name) => {
      if (name === 'accept') throw error;
    };
    await expect(consumer().handle(offboarding(ID))).rejects.toBe(error);
    expect(queued).toEqual([]);
  });
});
