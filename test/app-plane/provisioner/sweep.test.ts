import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Placement } from '../../../app-plane/provisioner/placement.ts';
import { Restoration } from '../../../app-plane/provisioner/restoration.ts';
import { Sweep, sweepOnce } from '../../../app-plane/provisioner/sweep.ts';
import { afterBackgroundWork } from '../../support/background-work.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { silentLog } from '../../support/silent-log.ts';
import { placementOf, store } from './placements.ts';

const INTERVAL_MS = 5_000;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let tableTimers: number;
let queued: string[];
let running: Set<string>;
let restoration: Restoration;
let sweep: Sweep;

beforeEach(async () => {
  scratch = await openScratchTable();
  tableTimers = scratch.clock.waiting;
  queued = [];
  running = new Set();
  restoration = new Restoration();
  sweep = sweepOf();
});
afterEach(async () => {
  sweep.close();
  await scratch.close();
});

/** Timers that wait, without those of the table. */
const timers = () => scratch.clock.waiting - tableTimers;

function sweepOf(change: Partial<ConstructorParameters<typeof Sweep>[0]> = {}): Sweep {
  return new Sweep({
    ...{ table: scratch.table, clock: scratch.clock, log: silentLog, intervalMs: INTERVAL_MS, owner: 'one' },
    enqueue: ({ tenantId }, priority) => void queued.push(`${tenantId} ${priority}`),
    isRunning: (tenantId) => running.has(tenantId),
    restoration,
    ...change,
  });
}

const tenant = (tenantId: string, change: Partial<Placement> = {}) =>
  store(scratch.table, placementOf({ tenantId, ...change }));
const now = () => scratch.clock.now();
const silo = { realm: 'pool', cluster: 'shared', silo: true } as const;
const taken = () => queued.splice(0);

async function nextSweep(): Promise<void> {
  scratch.clock.advance(INTERVAL_MS);
  await afterBackgroundWork(scratch.table);
}

describe('a start', () => {
  test('queues silos in the background, and unfinished work before it', async () => {
    await tenant('silo0000', { phase: 'ready', allocations: silo });
    await tenant('pooled00', { phase: 'ready', allocations: { realm: 'pool', cluster: 'pool', silo: false } });
    await tenant('accepted');
    await tenant('leaving0', { phase: 'deprovisioning', desired: 'absent' });
    await tenant('failed00', { phase: 'failed', failure: 'no room' });
    await tenant('announce', { phase: 'ready', unannounced: true, nextAttemptAt: now() });
    await sweep.start();
    expect(taken()).toEqual([
      'silo0000 background',
      'accepted interactive',
      'leaving0 interactive',
      'announce background',
    ]);
    expect(restoration.progress).toEqual({ total: 1, done: 0, failed: [] });
    restoration.end('silo0000', 'served');
    await restoration.completed;
  });

  test('queues what an earlier process of the same name has left behind, even if its lease lasts', async () => {
    const lease = (owner: string) => ({ owner, until: now() + 9_000 });
    await tenant('another0', { lease: lease('two') });
    await tenant('leftover', { lease: lease('one') });
    await tenant('waiting0', { nextAttemptAt: now() + 9_000 });
    await sweep.start();
    expect(taken()).toEqual(['leftover interactive']);
  });

  test('queues work that goes on elsewhere, because it may have ended meanwhile', async () => {
    await tenant('building', { nextAttemptAt: now() + 600_000, waitMs: 600_000, pending: 'stack a' });
    await sweep.start();
    expect(taken()).toEqual(['building interactive']);
  });
});

describe('a sweep', () => {
  test('queues work once it is due, at the interval', async () => {
    await sweep.start();
    await tenant('accepted', { nextAttemptAt: now() + INTERVAL_MS });
    await tenant('later000', { nextAttemptAt: now() + 2 * INTERVAL_MS });
    scratch.clock.advance(INTERVAL_MS - 1);
    expect(taken()).toEqual([]);
    scratch.clock.advance(1);
    await afterBackgroundWork(scratch.table);
    expect(taken()).toEqual(['accepted interactive']);
    await nextSweep();
    expect(taken()).toEqual(['accepted interactive', 'later000 interactive']);
  });

  test('does not queue work of another process, its own leftovers, or silos', async () => {
    await sweep.start();
    await tenant('another0', { lease: { owner: 'two', until: now() + 9_000 } });
    await tenant('leftover', { lease: { owner: 'one', until: now() + 9_000 } });
    await tenant('silo0000', { phase: 'ready', allocations: silo });
    await nextSweep();
    expect(taken()).toEqual([]);
    await nextSweep();
    expect(taken()).toEqual(['another0 interactive', 'leftover interactive']);
  });

  test('does not queue what is running', async () => {
    await tenant('accepted');
    running.add('accepted');
    await sweep.start();
    await nextSweep();
    expect(taken()).toEqual([]);
  });

  test('queues work at once whose time is further away than any wait: the clock was set back', async () => {
    await sweep.start();
    await tenant('accepted', { nextAttemptAt: now() + 3_600_000 });
    await nextSweep();
    expect(taken()).toEqual(['accepted interactive']);
  });

  test('queues work after a wait of minutes, and not before', async () => {
    await sweep.start();
    await tenant('accepted', { nextAttemptAt: now() + 600_000, waitMs: 600_000, pending: 'stack a' });
    for (let passed = INTERVAL_MS; passed < 600_000; passed += INTERVAL_MS) await nextSweep();
    expect(taken()).toEqual([]);
    await nextSweep();
    expect(taken()).toEqual(['accepted interactive']);
  });

  test('finds work whose wait is over although an earlier one is not: the clock was set back', async () => {
    await tenant('minutes0', { nextAttemptAt: now() + 600_000, waitMs: 1_200_000, pending: 'stack a' });
    await tenant('seconds0', { nextAttemptAt: now() + 700_000, waitMs: 2_000 });
    const sent: string[] = [];
    expect(await sweepOnce(scratch, ({ tenantId }) => void sent.push(tenantId))).toBe(1);
    expect(sent).toEqual(['seconds0']);
  });

  test('waits until each tenant is handed over, and fails if one cannot be', async () => {
    await tenant('tenant00');
    await tenant('tenant01');
    const sent: string[] = [];
    const send = async ({ tenantId }: Placement) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (sent.push(tenantId) === 2) throw new Error('no queue');
    };
    await expect(sweepOnce(scratch, send)).rejects.toThrow('no queue');
    expect(sent).toEqual(['tenant00', 'tenant01']);
  });

  test('that fails is logged, and the next one runs', async () => {
    const lines: string[] = [];
    const { table } = scratch;
    let isBroken = false;
    const query: typeof table.query = (...args) =>
      isBroken ? Promise.reject(new Error('no disk')) : table.query(...args);
    sweep = sweepOf({ log: recordingLog(lines), table: { query } as typeof table });
    await sweep.start();
    await tenant('accepted');
    isBroken = true;
    await nextSweep();
    const reason = 'unexpected error, see the log';
    expect(lines.map((line) => JSON.parse(line))).toEqual([{ reason, err: 'Error: no disk', message: 'sweep failed' }]);
    isBroken = false;
    await nextSweep();
    expect(taken()).toEqual(['accepted interactive']);
  });

  test('does not run after close', async () => {
    await sweep.start();
    await tenant('accepted');
    sweep.close();
    await nextSweep();
    expect([taken(), timers()]).toEqual([[], 0]);
    sweepOf().close();
  });

  test('does not run after close, not even if one was running', async () => {
    await sweep.start();
    await tenant('accepted');
    scratch.clock.advance(INTERVAL_MS);
    sweep.close();
    await nextSweep();
    taken();
    await nextSweep();
    await nextSweep();
    expect(taken()).toEqual([]);
  });
});
