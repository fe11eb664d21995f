import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Claim, isHeldByOther, LEASE_MS, Superseded } from '../../../app-plane/provisioner/claim.ts';
import {
  loadPlacement,
  MAX_STEPS,
  type Placement,
  type PlacementItem,
} from '../../../app-plane/provisioner/placement.ts';
import { DomainError } from '../../../core/errors.ts';
import { put } from '../../../core/ports/table.ts';
import { afterBackgroundWork } from '../../support/background-work.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { until } from '../../support/until.ts';
import { placementOf, store } from './placements.ts';

const ID = 'acme0000';
const reasonOf = (error: unknown) => (error as Error).message;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let tableTimers: number;

beforeEach(async () => {
  scratch = await openScratchTable();
  tableTimers = scratch.clock.waiting;
});
afterEach(() => scratch.close());

/** Timers that wait, without those of the table. */
const timers = () => scratch.clock.waiting - tableTimers;

async function load(): Promise<PlacementItem> {
  const item = await loadPlacement(scratch.table, ID);
  if (!item) throw new Error('the placement must exist');
  return item;
}

async function take(change: Partial<Placement> = {}): Promise<Claim> {
  await store(scratch.table, placementOf(change));
  return Claim.take(scratch.table, scratch.clock, 'one', await load());
}

const lease = (owner: string, leftMs: number) => ({ owner, until: scratch.clock.now() + leftMs });

/** Writes the placement as another process does. */
async function changeByOther(): Promise<void> {
  const { data, ...item } = await load();
  await scratch.table.transact([put({ ...item, data, version: item.version + 1 }, { version: item.version })]);
}

describe('a lease', () => {
  test.each([
    ['no lease', undefined, false],
    ['the own one', { owner: 'one', until: 2_000 }, false],
    ["another process's", { owner: 'two', until: 1_001 }, true],
    ["another process's that has just ended", { owner: 'two', until: 1_000 }, false],
  ])('%s is held by another process: %#', (_what, held, isHeld) => {
    const placement = placementOf(held && { lease: held });
    expect(isHeldByOther(placement, 'one', 1_000)).toBe(isHeld);
  });

  test('of an acceptance is kept without a write while more than half of it is left', async () => {
    const own = lease('one', LEASE_MS / 2 + 200);
    const claim = await take({ lease: own });
    scratch.clock.advance(200);
    await afterBackgroundWork(scratch.table);
    expect(await load()).toMatchObject({ version: 1, data: { lease: own } });
    claim.close();
  });

  test.each([
    ['absent', undefined],
    ["another process's that has ended", { owner: 'two', leftMs: -1 }],
    ['the own one with less than half left', { owner: 'one', leftMs: LEASE_MS / 2 - 1 }],
  ])('that is %s is written before the work begins', async (_what, held) => {
    const claim = await take(held ? { lease: lease(held.owner, held.leftMs) } : {});
    expect(await load()).toMatchObject({ version: 2, data: { lease: lease('one', LEASE_MS) } });
    claim.close();
  });

  test('of a sole owner is written with the first progress, not before', async () => {
    await store(scratch.table, placementOf());
    const claim = await Claim.take(scratch.table, scratch.clock, 'one', await load(), { isSoleOwner: true });
    expect(await load()).toMatchObject({ version: 1 });
    scratch.clock.advance(200);
    await afterBackgroundWork(scratch.table);
    expect(await load()).toMatchObject({ version: 2, data: { lease: lease('one', LEASE_MS), phase: 'provisioning' } });
    claim.close();
  });

  test.each([true, false])(
    'is written with a change that must precede the work (sole owner: %s)',
    async (isSoleOwner) => {
      await store(scratch.table, placementOf({ lease: lease('one', LEASE_MS) }));
      const patch = { createdKinds: ['route'] } as const;
      const claim = await Claim.take(scratch.table, scratch.clock, 'one', await load(), { isSoleOwner, patch });
      expect(await load()).toMatchObject({ version: 2, data: { ...patch, lease: lease('one', LEASE_MS) } });
      claim.close();
    },
  );

  test('is not taken if another process was faster, and no timer is left', async () => {
    await store(scratch.table, placementOf());
    const item = await load();
    await changeByOther();
    await expect(Claim.take(scratch.table, scratch.clock, 'one', item)).rejects.toThrow(Superseded);
    expect(timers()).toBe(0);
    expect((await load()).data.lease).toBeUndefined();
  });

  test('of an acceptance is kept if exactly half of it is left', async () => {
    const own = lease('one', LEASE_MS / 2);
    const claim = await take({ lease: own });
    expect((await load()).version).toBe(1);
    claim.close();
  });

  test('is written by the timer if the first write takes long', async () => {
    await store(scratch.table, placementOf());
    const claim = new Claim(scratch.table, scratch.clock, 'one', await load());
    scratch.clock.advance(200);
    await afterBackgroundWork(scratch.table);
    expect((await load()).data.lease).toEqual(lease('one', LEASE_MS));
    claim.close();
  });

  test('is not renewed any more if the claim is closed while the timer writes', async () => {
    const claim = await take();
    await claim.record(['a'], async () => undefined, reasonOf);
    scratch.clock.advance(200);
    claim.close();
    await afterBackgroundWork(scratch.table);
    expect((await load()).data.steps).toHaveLength(1);
    expect(timers()).toBe(0);
  });

  test('is renewed when half of it has passed, and not before', async () => {
    const claim = await take();
    const taken = scratch.clock.now();
    for (let passed = 0; passed <= LEASE_MS / 2; passed += 200) {
      expect((await load()).data.lease?.until).toBe(taken + LEASE_MS);
      scratch.clock.advance(200);
      await afterBackgroundWork(scratch.table);
    }
    expect((await load()).data.lease).toEqual(lease('one', LEASE_MS));
    claim.close();
    scratch.clock.advance(2 * LEASE_MS);
    await afterBackgroundWork(scratch.table);
    expect((await load()).version).toBe(3);
  });

  test('is released at the end, in one transaction with other writes, and no timer is left', async () => {
    const claim = await take();
    const also = put({ pk: 'also', sk: 'also', version: 1, data: { written: true } }, 'absent');
    await claim.end({ phase: 'ready' }, [also]);
    expect((await load()).data).toEqual({ ...placementOf(), phase: 'ready' });
    expect(await scratch.table.get({ pk: 'also', sk: 'also' })).toMatchObject({ data: { written: true } });
    expect(timers()).toBe(0);
    expect(claim.placement).toEqual({ ...placementOf(), phase: 'ready' });
  });

  test('is released although another write of the claim is in progress', async () => {
    const claim = await take();
    const saved = claim.save({ attempts: 3 });
    await claim.end({ phase: 'ready' });
    await saved;
    expect(await load()).toMatchObject({ version: 4, data: { phase: 'ready', attempts: 3 } });
    expect((await load()).data.lease).toBeUndefined();
  });
});

describe('a claim that another process has ended', () => {
  test('writes nothing more, and every later step fails as well', async () => {
    const claim = await take();
    claim.check();
    await changeByOther();
    const also = put({ pk: 'also', sk: 'also', version: 1, data: {} }, 'absent');
    await expect(claim.end({ phase: 'ready' }, [also])).rejects.toMatchObject({
      name: 'Superseded',
      message: `placement of tenant ${ID} was changed by another process`,
      cause: { code: 'CONDITION_FAILED' },
    });
    expect(() => claim.check()).toThrow(Superseded);
    await expect(claim.save({ attempts: 1 })).rejects.toThrow(Superseded);
    expect((await load()).data).toMatchObject({ phase: 'accepted', attempts: 0 });
    expect(await scratch.table.get({ pk: 'also', sk: 'also' })).toBeUndefined();
  });

  test('notices it in the background, and ends its timer', async () => {
    const claim = await take();
    await changeByOther();
    await claim.record(['a'], async () => undefined, reasonOf);
    scratch.clock.advance(200);
    await until(() => {
      try {
        claim.check();
        return false;
      } catch {
        return true;
      }
    });
    await afterBackgroundWork(scratch.table);
    expect(timers()).toBe(0);
  });

  test('is not the one whose write failed for another reason: it may write again', async () => {
    await store(scratch.table, placementOf());
    const item = await load();
    let isFull = true;
    const table = {
      get: scratch.table.get.bind(scratch.table),
      transact: async (...args: Parameters<typeof scratch.table.transact>) => {
        if (isFull) throw new DomainError('UNAVAILABLE', 'the disk is full');
        return scratch.table.transact(...args);
      },
    } as typeof scratch.table;
    const claim = new Claim(table, scratch.clock, 'one', item);
    await expect(claim.save({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    claim.check();
    isFull = false;
    await claim.end({ phase: 'ready' });
    expect((await load()).data.phase).toBe('ready');
  });

  test('may also be ended by the own process, at the next step', async () => {
    const claim = await take();
    claim.abandon();
    expect(() => claim.check()).toThrow(Superseded);
    await expect(claim.save({})).rejects.toThrow(ID);
    claim.close();
  });
});

describe('the steps of a claim', () => {
  const at = () => new Date(scratch.clock.now()).toISOString();

  test('are recorded with their start and end', async () => {
    const claim = await take();
    const startedAt = at();
    const work = async () => {
      expect(claim.steps).toEqual([
        { name: 'a', status: 'running', startedAt },
        { name: 'b', status: 'running', startedAt },
      ]);
      scratch.clock.advance(100);
    };
    await claim.record(['a', 'b'], work, reasonOf);
    expect(claim.steps).toEqual([
      { name: 'a', status: 'done', startedAt, endedAt: at() },
      { name: 'b', status: 'done', startedAt, endedAt: at() },
    ]);
    expect(claim.failedStep).toBeUndefined();
    claim.close();
  });

  test('that fail have the reason, and the first one that failed is named', async () => {
    const claim = await take();
    const startedAt = at();
    const fail = (error: Error) => () => Promise.reject(error);
    const first = new Error('no room');
    await expect(claim.record(['a', 'b'], fail(first), reasonOf)).rejects.toBe(first);
    await expect(claim.record(['c'], fail(new Error('no disk')), reasonOf)).rejects.toThrow('no disk');
    expect(claim.failedStep).toBe('a, b');
    expect(claim.steps).toEqual([
      { name: 'a', status: 'failed', reason: 'no room', startedAt, endedAt: at() },
      { name: 'b', status: 'failed', reason: 'no room', startedAt, endedAt: at() },
      { name: 'c', status: 'failed', reason: 'no disk', startedAt, endedAt: at() },
    ]);
    claim.close();
  });

  test('stand after those of earlier attempts, also where the name is the same', async () => {
    const earlier = { name: 'a', status: 'failed', reason: 'no room', startedAt: at(), endedAt: at() } as const;
    const claim = await take({ steps: [earlier] });
    await claim.record(['a'], async () => undefined, reasonOf);
    expect(claim.steps).toEqual([earlier, { name: 'a', status: 'done', startedAt: at(), endedAt: at() }]);
    await claim.end({});
    expect((await load()).data.steps).toEqual(claim.steps);
  });

  test('take the place of a step that an earlier process left running', async () => {
    const claim = await take({ steps: [{ name: 'a', status: 'running', startedAt: at() }] });
    await claim.record(['a'], async () => undefined, reasonOf);
    expect(claim.steps.map(({ name, status }) => `${name} ${status}`)).toEqual(['a done']);
    claim.close();
  });

  test(`are the latest ${MAX_STEPS}`, async () => {
    const claim = await take();
    const names = Array.from({ length: MAX_STEPS + 6 }, (_, i) => `step ${i}`);
    for (const name of names) await claim.record([name], async () => undefined, reasonOf);
    expect(claim.steps.map(({ name }) => name)).toEqual(names.slice(6));
    claim.close();
  });

  test.each([
    ['accepted', 'provisioning'],
    ['deprovisioning', 'deprovisioning'],
  ] as const)('are written after 200 ms of an %s tenant, with the phase %s', async (phase, after) => {
    const claim = await take({ phase });
    await claim.record(['a'], async () => undefined, reasonOf);
    scratch.clock.advance(199);
    await afterBackgroundWork(scratch.table);
    expect((await load()).data).toMatchObject({ phase, steps: [] });
    scratch.clock.advance(1);
    await afterBackgroundWork(scratch.table);
    expect((await load()).data).toMatchObject({ phase: after, steps: [{ name: 'a', status: 'done' }] });
    const { version } = await load();
    scratch.clock.advance(400);
    await afterBackgroundWork(scratch.table);
    expect((await load()).version).toBe(version);
    claim.close();
  });
});
