import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Phase, placementItem } from '../../../app-plane/provisioner/placement.ts';
import { TenantWaiters } from '../../../app-plane/provisioner/tenant-waiters.ts';
import { put } from '../../../core/ports/table.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { placementOf } from './placements.ts';

const ID = 'acme0000';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let waiters: TenantWaiters;
let reads: number;

beforeEach(async () => {
  scratch = await openScratchTable();
  reads = 0;
  const { table, clock } = scratch;
  const get: typeof table.get = (key) => {
    reads += 1;
    return table.get(key);
  };
  waiters = new TenantWaiters({ get } as typeof table, clock);
});
afterEach(() => scratch.close());

async function become(phase: Phase): Promise<void> {
  await scratch.table.transact([put(placementItem(placementOf({ phase }), 1))]);
}

/** Waits, and keeps what the wait has led to. */
function wait(timeoutMs: number) {
  const result: { phase?: Phase } = {};
  const end = waiters.finalPhase(ID, timeoutMs).then((phase) => {
    result.phase = phase;
    return phase;
  });
  end.catch(() => undefined);
  return { end, result };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await scratch.table.get({ pk: 'x', sk: 'x' });
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a wait for the end of work on a tenant', () => {
  test.each<Phase>(['ready', 'failed', 'gone'])('is over at once if the tenant is %s', async (phase) => {
    await become(phase);
    expect(await waiters.finalPhase(ID, 60_000)).toBe(phase);
    expect(reads).toBe(1);
  });

  test('is over when the work ends, without a look in between', async () => {
    await become('accepted');
    const { end, result } = wait(60_000);
    await settle();
    await become('ready');
    await settle();
    expect(result).toEqual({});
    waiters.wake('globex00');
    await settle();
    expect([result, reads]).toEqual([{}, 1]);
    waiters.wake(ID);
    expect(await end).toBe('ready');
  });

  test('looks again every half second, as another process may do the work', async () => {
    await become('accepted');
    const { end, result } = wait(60_000);
    await settle();
    scratch.clock.advance(499);
    await settle();
    expect(reads).toBe(1);
    scratch.clock.advance(1);
    await settle();
    expect([result, reads]).toEqual([{}, 2]);
    await become('gone');
    scratch.clock.advance(500);
    expect(await end).toBe('gone');
  });

  test('ends with the phase of the moment when the time is over, and not before', async () => {
    await become('provisioning');
    const { end, result } = wait(700);
    await settle();
    for (const ms of [500, 199]) {
      scratch.clock.advance(ms);
      await settle();
      expect(result).toEqual({});
    }
    scratch.clock.advance(1);
    expect(await end).toBe('provisioning');
    expect(await waiters.finalPhase(ID, 0)).toBe('provisioning');
  });

  test('wakes everybody who waits for the tenant', async () => {
    await become('accepted');
    const waits = [wait(60_000), wait(60_000)];
    await settle();
    await become('ready');
    waiters.wake(ID);
    expect(await Promise.all(waits.map(({ end }) => end))).toEqual(['ready', 'ready']);
    waiters.wake(ID);
  });

  test('wakes who still waits after the time of another one is over', async () => {
    await become('accepted');
    const [short, long] = [wait(100), wait(60_000)];
    await settle();
    scratch.clock.advance(100);
    expect(await short.end).toBe('accepted');
    await become('ready');
    waiters.wake(ID);
    expect(await long.end).toBe('ready');
  });

  test('for a tenant that was never accepted fails when the time is over, and not before', async () => {
    const { end, result } = wait(600);
    await settle();
    scratch.clock.advance(500);
    await settle();
    scratch.clock.advance(100);
    await expect(end).rejects.toMatchObject({ code: 'NOT_FOUND', message: `tenant ${ID} was never accepted` });
    expect(result).toEqual({});
    const accepted = wait(600);
    await settle();
    await become('ready');
    scratch.clock.advance(500);
    expect(await accepted.end).toBe('ready');
  });
});
