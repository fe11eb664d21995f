import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Claim } from '../../../app-plane/provisioner/claim.ts';
import { type Ended, endError, endSuccess, type PassEndDeps } from '../../../app-plane/provisioner/pass-end.ts';
import { again, failed } from '../../../app-plane/provisioner/pass-result.ts';
import { loadPlacement, type Placement } from '../../../app-plane/provisioner/placement.ts';
import { createResults } from '../../../app-plane/provisioner/results.ts';
import { DomainError } from '../../../core/errors.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import type { ResourceDriver } from '../../../core/plan/resources.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { placementOf, store } from './placements.ts';

const ID = 'acme0000';
const PLACE = { realm: 'pool', cluster: 'shared', silo: true } as const;
const NOTHING_TO_DO: Ended = { desired: [], withheld: [], place: PLACE };
const UNAVAILABLE = new DomainError('UNAVAILABLE', 'no room');
const zeros = (length: number) => new Uint8Array(length);

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let lines: string[];
let passed: string[];
let purged: string[];
let given: string[];
let deps: PassEndDeps;

beforeEach(async () => {
  scratch = await openScratchTable();
  [lines, passed, purged, given] = [[], [], [], []];
  const purge = async (tenantId: string) => void purged.push(tenantId);
  deps = {
    drivers: [{ kinds: ['data'], purge } as unknown as ResourceDriver],
    clock: scratch.clock,
    stepMs: 1_000,
    pendingMs: 3_600_000,
    checkpoint: (name) => void passed.push(name),
    random: zeros,
    log: recordingLog(lines),
    results: createResults(scratch.clock.now.bind(scratch.clock), zeros, 'http://platform.test/api'),
    places: { take: async () => PLACE, give: async (tenantId) => void given.push(tenantId) },
    realmConfig: async (realm) => ({ issuer: `http://platform.test/realms/${realm}`, clientId: 'app' }),
    attempts: 5,
    onboardingMs: 120_000,
  };
});
afterEach(() => scratch.close());

const now = () => scratch.clock.now();
const logged = () => lines.map((line) => JSON.parse(line));

async function claimOf(change: Partial<Placement>): Promise<Claim> {
  await store(scratch.table, placementOf({ acceptedAt: now(), ...change }));
  const item = await loadPlacement(scratch.table, ID);
  if (!item) throw new Error('the placement must exist');
  return Claim.take(scratch.table, scratch.clock, 'one', item);
}

async function placement() {
  return (await loadPlacement(scratch.table, ID))?.data;
}

async function events() {
  const { items } = await scratch.table.query({ ...OUTBOX, limit: 10 });
  return items.map(({ data }) => data);
}

const types = async () => (await events()).map(({ detailType }) => detailType);

describe('a pass that has applied every change', () => {
  test('ends with a ready tenant, which is announced with its realm', async () => {
    const claim = await claimOf({ phase: 'provisioning', attempts: 3, nextAttemptAt: 1 });
    scratch.clock.advance(250);
    await endSuccess(claim, NOTHING_TO_DO, deps);
    const expected = placementOf({ phase: 'ready', allocations: PLACE, createdKinds: [], acceptedAt: now() - 250 });
    expect(await placement()).toEqual(expected);
    expect(passed).toEqual(['finish']);
    const [event] = await events();
    expect(event).toMatchObject({
      detailType: 'provisionSuccess',
      detail: { tenantId: ID, tenantRegistrationId: `reg-${ID}` },
    });
    expect(JSON.stringify(event)).toContain('/realms/pool');
    expect(logged()).toEqual([{ tenantId: ID, tier: 'premium', ms: 250, message: 'tenant is ready' }]);
  });

  test('of a tenant that was ready before sends no result, unless the tenant must be announced again', async () => {
    await endSuccess(await claimOf({ phase: 'ready' }), NOTHING_TO_DO, deps);
    expect(await types()).toEqual([]);
  });

  test('of a ready tenant that must be announced again sends the result', async () => {
    await endSuccess(await claimOf({ phase: 'ready', unannounced: true, nextAttemptAt: 1 }), NOTHING_TO_DO, deps);
    expect(await types()).toEqual(['provisionSuccess']);
    expect(await placement()).toEqual(
      placementOf({ phase: 'ready', allocations: PLACE, createdKinds: [], acceptedAt: now() }),
    );
  });

  test('of an offboarding leaves a tombstone, after what cannot be observed is removed', async () => {
    const claim = await claimOf({
      ...{
        phase: 'deprovisioning',
        desired: 'absent',
        allocations: PLACE,
        failure: 'x',
        nextAttemptAt: 1,
        attempts: 2,
      },
      steps: [{ name: 'remove route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z' }],
    });
    scratch.clock.advance(70);
    await endSuccess(claim, NOTHING_TO_DO, deps);
    const { spec: _, ...tombstone } = placementOf({ phase: 'gone', desired: 'absent', acceptedAt: now() - 70 });
    expect(await placement()).toEqual(tombstone);
    expect([purged, given]).toEqual([[ID], [ID]]);
    expect(passed).toEqual(['before remove remains', 'after remove remains', 'finish']);
    expect(await types()).toEqual(['deprovisionSuccess']);
    expect(JSON.stringify(await events())).toContain('remove remains');
    expect(logged()).toEqual([{ tenantId: ID, registrationId: `reg-${ID}`, ms: 70, message: 'tenant is gone' }]);
  });

  test('of an offboarding does not end before what cannot be observed is removed elsewhere', async () => {
    const pending = { pending: 'the items of the tenant are being deleted', lookAgainMs: 2_000 };
    const driver = { kinds: ['data'], purge: async () => pending } as unknown as ResourceDriver;
    const claim = await claimOf({ phase: 'deprovisioning', desired: 'absent' });
    const result = await endSuccess(claim, NOTHING_TO_DO, { ...deps, drivers: [driver, ...deps.drivers] });
    expect(result).toEqual(again(2_000, pending.pending));
    expect(await placement()).toMatchObject({
      phase: 'deprovisioning',
      pending: pending.pending,
      steps: [{ name: 'remove remains', status: 'running', reason: pending.pending }],
    });
    expect([purged, given, await types()]).toEqual([[], [], []]);
  });

  test('of an offboarding fails if a policy has withheld a removal', async () => {
    const claim = await claimOf({ phase: 'deprovisioning', desired: 'absent' });
    const withheld = { ...NOTHING_TO_DO, withheld: [{}] } as unknown as Ended;
    await expect(endSuccess(claim, withheld, deps)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect([purged, given, await types()]).toEqual([[], [], []]);
    claim.close();
  });

  test('of the clean-up after a failed onboarding reports why it failed', async () => {
    const claim = await claimOf({ phase: 'provisioning', failure: 'no room', attempts: 2, nextAttemptAt: 1 });
    await endSuccess(claim, NOTHING_TO_DO, deps);
    expect(await placement()).toEqual(placementOf({ phase: 'failed', failure: 'no room', acceptedAt: now() }));
    expect([passed, given]).toEqual([['finish'], [ID]]);
    expect(await events()).toMatchObject([
      { detailType: 'provisionFailure', detail: { jobOutput: { tenantData: { reason: 'no room' } } } },
    ]);
    expect(logged()).toEqual([{ tenantId: ID, reason: 'no room', message: 'onboarding failed' }]);
  });
});

describe('a pass that fails', () => {
  test.each([
    [0, 500],
    [1, 1_000],
    [3, 4_000],
  ])('after %i failed attempts is tried again after %i ms', async (attempts, waitMs) => {
    const claim = await claimOf({ attempts });
    expect(await endError(claim, UNAVAILABLE, deps)).toEqual(again(waitMs));
    expect(await placement()).toEqual(
      placementOf({
        phase: 'provisioning',
        attempts: attempts + 1,
        nextAttemptAt: now() + waitMs,
        waitMs,
        acceptedAt: now(),
      }),
    );
    expect(await types()).toEqual([]);
    expect(logged()).toEqual([
      {
        ...{ tenantId: ID, phase: 'accepted', attempts: attempts + 1, reason: 'no room' },
        ...{ err: String(UNAVAILABLE), message: 'reconcile failed' },
      },
    ]);
  });

  test.each<[string, Partial<Placement>, Error, number]>([
    ['the last attempt has failed', { attempts: 4 }, UNAVAILABLE, 0],
    ['no retry can help', {}, new DomainError('CONFLICT', 'no room'), 0],
    ['the time for an onboarding would be over', {}, UNAVAILABLE, 119_501],
  ])('makes the next pass clean up if %s', async (_what, change, error, passedMs) => {
    const claim = await claimOf(change);
    scratch.clock.advance(passedMs);
    expect(await endError(claim, error, deps)).toEqual(again(0));
    expect(await placement()).toEqual(
      placementOf({ phase: 'provisioning', failure: 'no room', acceptedAt: now() - passedMs }),
    );
    expect(await types()).toEqual([]);
  });

  test('is tried again at the very end of the time for an onboarding', async () => {
    const claim = await claimOf({});
    scratch.clock.advance(119_500);
    expect(await endError(claim, UNAVAILABLE, deps)).toEqual(again(500));
  });

  test.each<[string, Partial<Placement>, Error]>([
    ['the last attempt has failed', { attempts: 4 }, UNAVAILABLE],
    ['no retry can help', {}, new DomainError('CONFLICT', 'no')],
    ['a policy forbids it', {}, new DomainError('FORBIDDEN', 'no')],
  ])('leaves a ready tenant ready, and is tried again, even if %s', async (_what, change, error) => {
    const claim = await claimOf({ phase: 'ready', ...change });
    const result = await endError(claim, error, deps);
    const { nextAttemptAt = 0 } = (await placement()) ?? {};
    expect(nextAttemptAt).toBeGreaterThan(now());
    expect(result).toEqual(again(nextAttemptAt - now()));
    expect((await placement())?.phase).toBe('ready');
    expect((await placement())?.failure).toBeUndefined();
  });

  test.each<[string, Partial<Placement>]>([
    ['an offboarding', { phase: 'deprovisioning', desired: 'absent' }],
    ['a clean-up', { phase: 'provisioning', failure: 'no disk' }],
  ])('of %s is tried again, also after a conflict, however long ago the request was', async (_what, change) => {
    const claim = await claimOf({ ...change, acceptedAt: 0 });
    expect(await endError(claim, new DomainError('CONFLICT', 'in use'), deps)).toEqual(again(500));
    expect(await placement()).toMatchObject({ phase: change.phase, attempts: 1, nextAttemptAt: now() + 500 });
  });

  test.each<[string, Partial<Placement>, Error, string, string, string]>([
    [
      'an offboarding that a policy forbids',
      { phase: 'deprovisioning', desired: 'absent' },
      new DomainError('FORBIDDEN', 'not allowed'),
      'deprovisionFailure',
      'not allowed',
      'offboarding failed',
    ],
    [
      'an offboarding at its last attempt',
      { phase: 'deprovisioning', desired: 'absent', attempts: 4 },
      UNAVAILABLE,
      'deprovisionFailure',
      'no room',
      'offboarding failed',
    ],
    [
      'a clean-up at its last attempt',
      { phase: 'provisioning', failure: 'no disk', attempts: 4 },
      UNAVAILABLE,
      'provisionFailure',
      'no disk; clean-up is incomplete: no room',
      'onboarding failed',
    ],
  ])('of %s is reported with the reason', async (_what, change, error, type, reason, message) => {
    const claim = await claimOf(change);
    expect(await endError(claim, error, deps)).toEqual(failed(reason));
    const stored = await placement();
    expect(stored).toMatchObject({ phase: 'failed', failure: reason, attempts: 0 });
    expect(stored?.lease).toBeUndefined();
    expect(await events()).toMatchObject([
      { detailType: type, detail: { jobOutput: { tenantData: { reason }, tenantRegistrationData: { reason } } } },
    ]);
    expect(logged().at(-1)).toEqual({ tenantId: ID, reason, message });
  });

  test.each<[string, Partial<Placement>]>([
    ['makes the next pass clean up', {}],
    ['is reported', { phase: 'deprovisioning', desired: 'absent' }],
    ['leaves a ready tenant as it was', { phase: 'ready' }],
  ])('for good and %s leaves no step running', async (_what, change) => {
    const claim = await claimOf(change);
    const waiting = { pending: 'stack a is being created', lookAgainMs: 1_000 };
    await claim.record(['create cluster'], async () => waiting, String);
    await endError(claim, new DomainError('FAILED', 'stack b was rolled back'), deps);
    const ended = { status: 'failed', endedAt: expect.any(String), reason: 'given up before it had ended' };
    expect((await placement())?.steps).toMatchObject([{ name: 'create cluster', ...ended }]);
  });

  test('names the step that failed', async () => {
    const claim = await claimOf({ attempts: 4 });
    await expect(claim.record(['create cluster'], () => Promise.reject(UNAVAILABLE), String)).rejects.toBe(UNAVAILABLE);
    await endError(claim, UNAVAILABLE, deps);
    expect((await placement())?.failure).toBe('could not create cluster: no room');
  });
});
