import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Claim } from '../../../app-plane/provisioner/claim.ts';
import { again, DONE, failed, heldElsewhere, type PassResult } from '../../../app-plane/provisioner/pass-result.ts';
import { loadPlacement, type Placement } from '../../../app-plane/provisioner/placement.ts';
import { createReconciler, type Reconciler } from '../../../app-plane/provisioner/reconcile.ts';
import { createResults } from '../../../app-plane/provisioner/results.ts';
import { DomainError } from '../../../core/errors.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import type { ResourceDriver } from '../../../core/plan/resources.ts';
import type { Place } from '../../../core/ports/places.ts';
import { put } from '../../../core/ports/table.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { placementOf, store } from './placements.ts';

const ID = 'acme0000';
const PLACE = { realm: 'pool', cluster: 'shared', silo: true } as const;
const DATA = { kind: 'data', name: 'data', tenantId: ID, spec: {}, inputs: { tier: 'premium' } } as const;
const zeros = (length: number) => new Uint8Array(length);

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let tableTimers: number;
let reconciler: Reconciler;
/** Whether the tenant's data exist. */
let hasData: boolean;
/** Whether a start restores the tenant. */
let isRestoring: boolean;
/** What the driver was asked to do. */
let applied: string[];
let takePlace: () => Promise<Place>;
let passed: string[];
let lines: string[];
let claims: (Claim | undefined)[];
let onCheckpoint: (name: string) => unknown;

beforeEach(async () => {
  scratch = await openScratchTable();
  tableTimers = scratch.clock.waiting;
  [hasData, isRestoring, applied, passed, claims, lines] = [false, false, [], [], [], []];
  takePlace = async () => PLACE;
  onCheckpoint = () => undefined;
  const driver: ResourceDriver<'data'> = {
    kinds: ['data'],
    observe: async () => (hasData ? [DATA] : []),
    async apply({ action }) {
      applied.push(action);
      hasData = action !== 'delete';
    },
  };
  const { table, clock } = scratch;
  reconciler = createReconciler({
    ...{ table, clock, random: zeros, log: recordingLog(lines), owner: 'one', maxTenants: {}, noDelete: false },
    ...{ stepMs: 1_000, pendingMs: 3_600_000, attempts: 5, onboardingMs: 120_000, isSoleOwner: false },
    drivers: [driver as unknown as ResourceDriver],
    shapeOf: () => [DATA],
    isRestoring: (tenantId) => isRestoring && tenantId === ID,
    places: { take: () => takePlace(), give: async () => undefined },
    realmConfig: async () => ({ issuer: 'http://platform.test/realms/pool', clientId: 'app' }),
    results: createResults(clock.now.bind(clock), zeros, 'http://platform.test/api'),
    async checkpoint(name, tenantId) {
      passed.push(`${name} ${tenantId}`);
      await onCheckpoint(name);
    },
    onClaim: (claim, tenantId) => void claims.push(tenantId === ID ? claim : undefined),
  });
});
afterEach(() => scratch.close());

/** Timers that wait, without those of the table. */
const timers = () => scratch.clock.waiting - tableTimers;

const now = () => scratch.clock.now();
const load = () => loadPlacement(scratch.table, ID);
const begin = (change: Partial<Placement> = {}) => store(scratch.table, placementOf({ acceptedAt: now(), ...change }));

describe('a pass over a tenant', () => {
  test('applies the plan under a claim, and ends in the desired state', async () => {
    await begin();
    expect(await reconciler.reconcile(ID)).toEqual(DONE);
    expect(hasData).toBe(true);
    expect((await load())?.data).toMatchObject({ phase: 'ready', allocations: PLACE });
    expect(passed.map((name) => name.replace(` ${ID}`, ''))).toEqual([
      'claimed',
      'planned',
      'before create data store',
      'after create data store',
      'finish',
      'finished',
    ]);
    expect(claims).toEqual([expect.anything(), undefined]);
  });

  test.each([
    ['failed', failed('no room')],
    ['gone', DONE],
  ] as const)('does nothing if the tenant is %s', async (phase, result) => {
    await begin({ phase, ...(phase === 'failed' && { failure: 'no room' }) });
    expect(await reconciler.reconcile(ID)).toEqual(result);
    expect([(await load())?.version, passed, hasData]).toEqual([1, [], false]);
  });

  test('does nothing for a tenant that was never accepted', async () => {
    expect(await reconciler.reconcile(ID)).toEqual(DONE);
    expect(await reconciler.plan(ID)).toEqual([]);
    expect(passed).toEqual([]);
  });

  const held = (at: number) => ({ lease: { owner: 'two', until: at + 700 } });
  test.each<[string, (at: number) => Partial<Placement>, PassResult]>([
    ['another process holds the lease', held, heldElsewhere(700)],
    ['the next attempt is not due', (at) => ({ nextAttemptAt: at + 900 }), again(900)],
    ['both, for the longer time', (at) => ({ nextAttemptAt: at + 600, ...held(at) }), heldElsewhere(700)],
  ])('waits if %s', async (_what, state, result) => {
    await begin(state(now()));
    expect(await reconciler.reconcile(ID)).toEqual(result);
    expect([passed, hasData]).toEqual([[], false]);
  });

  test.each<[string, (at: number) => Partial<Placement>, number]>([
    ['ten minutes', (at) => ({ nextAttemptAt: at + 600_000, waitMs: 600_000 }), 600_000],
    ['the rest of ten minutes', (at) => ({ nextAttemptAt: at + 1_000, waitMs: 600_000 }), 1_000],
  ])('waits %s if its wait is that long', async (_what, state, waitMs) => {
    await begin(state(now()));
    expect(await reconciler.reconcile(ID)).toEqual(again(waitMs));
    expect(passed).toEqual([]);
  });

  test.each<[string, (at: number) => Partial<Placement>]>([
    ['of a time beyond its own wait of minutes', (at) => ({ nextAttemptAt: at + 600_001, waitMs: 600_000 })],
    ['work goes on elsewhere, which may have ended', (at) => ({ nextAttemptAt: at + 900, pending: 'stack a' })],
    ['of the own lease', (at) => ({ lease: { owner: 'one', until: at + 700 } })],
    ['of a lease that has ended', (at) => ({ lease: { owner: 'two', until: at } })],
    ['of a time beyond any wait, because the clock was set back', (at) => ({ nextAttemptAt: at + 3_600_000 })],
  ])('does not wait because %s', async (_what, state) => {
    await begin(state(now()));
    expect(await reconciler.reconcile(ID)).toEqual(DONE);
    expect((await load())?.data.phase).toBe('ready');
  });

  test('does not wait for the next attempt if a start restores the tenant, but for the lease of another process', async () => {
    isRestoring = true;
    await begin({ nextAttemptAt: now() + 900, lease: { owner: 'two', until: now() + 700 } });
    expect(await reconciler.reconcile(ID)).toEqual(heldElsewhere(700));
    scratch.clock.advance(700);
    expect(await reconciler.reconcile(ID)).toEqual(DONE);
    expect((await load())?.data.phase).toBe('ready');
  });

  test('writes nothing if a ready tenant is as it must be', async () => {
    hasData = true;
    await begin({ phase: 'ready' });
    expect(await reconciler.reconcile(ID)).toEqual(DONE);
    expect([(await load())?.version, claims, passed]).toEqual([1, [], []]);
  });

  test.each<[string, (at: number) => Partial<Placement>]>([
    ['whose result must be sent again', (at) => ({ nextAttemptAt: at, unannounced: true })],
    ['that holds a lease of this process', (at) => ({ lease: { owner: 'one', until: at + 9_000 } })],
  ])('ends the work on a ready tenant %s', async (_what, state) => {
    hasData = true;
    await begin({ phase: 'ready', ...state(now()) });
    await reconciler.reconcile(ID);
    const data = (await load())?.data;
    expect([data?.lease, data?.nextAttemptAt, data?.unannounced]).toEqual([undefined, undefined, undefined]);
    expect(claims).toHaveLength(2);
  });

  test('restores what a ready tenant has lost', async () => {
    await begin({ phase: 'ready' });
    expect(await reconciler.plan(ID)).toMatchObject([{ action: 'create', resource: { kind: 'data' } }]);
    expect(hasData).toBe(false);
    await reconciler.reconcile(ID);
    expect(hasData).toBe(true);
    expect(await reconciler.plan(ID)).toEqual([]);
  });

  test('is repeated at once if another process changes the tenant meanwhile', async () => {
    await begin();
    onCheckpoint = async (name) => {
      if (name !== 'planned') return;
      const item = await load();
      if (item) await scratch.table.transact([put({ ...item, version: item.version + 1 }, { version: item.version })]);
    };
    expect(await reconciler.reconcile(ID)).toEqual(again(0));
    expect(claims).toEqual([expect.anything(), undefined]);
    expect(passed).not.toContain(`finished ${ID}`);
    expect([lines, timers()]).toEqual([[], 0]);
  });

  test('fails with an error that comes after its end, so that it is tried again', async () => {
    await begin();
    const error = new Error('no disk');
    onCheckpoint = (name) => (name === 'finished' ? Promise.reject(error) : undefined);
    await expect(reconciler.reconcile(ID)).rejects.toBe(error);
  });

  test('makes a tenant ready for which nothing is left to do', async () => {
    hasData = true;
    await begin({ phase: 'provisioning' });
    await reconciler.reconcile(ID);
    expect((await load())?.data.phase).toBe('ready');
  });

  test('that fails is tried again later, and releases the claim', async () => {
    await begin();
    onCheckpoint = (name) => (name === 'planned' ? Promise.reject(new Error('no room')) : undefined);
    expect(await reconciler.reconcile(ID)).toEqual(again(500));
    expect((await load())?.data).toMatchObject({ phase: 'provisioning', attempts: 1 });
    expect(claims).toEqual([expect.anything(), undefined]);
    expect(passed.at(-1)).toBe(`finished ${ID}`);
  });

  test('refuses a tenant with the reason before anything is created if the cell is full', async () => {
    takePlace = () => Promise.reject(new DomainError('FORBIDDEN', 'the cell is full'));
    await begin();
    expect(await reconciler.reconcile(ID)).toEqual(again(0));
    expect(await reconciler.reconcile(ID)).toEqual(failed('the cell is full'));
    expect((await load())?.data).toMatchObject({ phase: 'failed', failure: 'the cell is full' });
    expect([applied, hasData]).toEqual([[], false]);
    const { items } = await scratch.table.query({ ...OUTBOX, limit: 10 });
    expect(items.map(({ data }) => data)).toMatchObject([
      { detailType: 'provisionFailure', detail: { jobOutput: { tenantData: { reason: 'the cell is full' } } } },
    ]);
  });

  test('does not run twice at the same time for one tenant', async () => {
    await begin();
    let now = 0;
    let most = 0;
    onCheckpoint = async (name) => {
      if (name === 'claimed') most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      if (name === 'finished') now -= 1;
    };
    await Promise.all([reconciler.reconcile(ID), reconciler.reconcile(ID)]);
    expect([most, claims.length]).toEqual([1, 2]);
  });
});
