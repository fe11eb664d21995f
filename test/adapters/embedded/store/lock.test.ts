import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isStore } from '../../../../adapters/embedded/store/is-store.ts';
import { isLocked } from '../../../../adapters/embedded/store/sqlite-errors.ts';
import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { put } from '../../../../core/ports/table.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tp-store-'));
  file = join(dir, 'store.db');
  await openTable({ file, clock: new ManualClock() }).close();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The share of time that `work` leaves to the event loop: about 0.15 if each attempt blocked for 25 of 30 ms. */
async function freeShare(work: Promise<unknown>): Promise<number> {
  let [ended, blockedMs] = [false, 0];
  const start = performance.now();
  void work
    .catch(() => undefined)
    .then(() => {
      ended = true;
    });
  while (!ended) {
    const before = performance.now();
    await turn();
    const tookMs = performance.now() - before;
    if (tookMs > 10) blockedMs += tookMs;
  }
  return 1 - blockedMs / (performance.now() - start);
}

describe('a store that another process locks', () => {
  test('takes little of the event loop while a write waits for it', async () => {
    const table = openTable({ file, clock: new ManualClock(), lockTimeoutMs: 1_500 });
    const holder = new DatabaseSync(file);
    try {
      holder.exec('BEGIN IMMEDIATE');
      const write = table.transact([put({ pk: 'a', sk: 'b', version: 1, data: {} })]);
      expect(await freeShare(write)).toBeGreaterThan(0.35);
      await expect(write).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      holder.exec('ROLLBACK');
      await table.transact([put({ pk: 'a', sk: 'b', version: 1, data: {} })]);
    } finally {
      holder.close();
      await table.close();
    }
  });

  test.each([
    'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (y)',
    'PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE',
  ])('fails to open at once where the process must stay responsive (%s)', (lock) => {
    const holder = new DatabaseSync(file);
    try {
      holder.exec(lock);
      const before = performance.now();
      let failure: unknown;
      try {
        openTable({ file, clock: new ManualClock(), blockMs: 0 });
      } catch (error) {
        failure = error;
      }
      expect(performance.now() - before).toBeLessThan(1_000);
      expect(isLocked(failure)).toBe(true);
      expect(isStore(file)).toBe(false);
    } finally {
      holder.close();
    }
  });
});
