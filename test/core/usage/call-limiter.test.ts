import { expect, test } from '@jest/globals';
import { createCallLimiter } from '../../../core/usage/call-limiter.ts';
import { openScratchTable } from '../../support/scratch-table.ts';

const LIMIT = { rate: 0.5, burst: 2 };

async function withLimiters(work: (scene: Awaited<ReturnType<typeof openLimiters>>) => Promise<void>): Promise<void> {
  const scene = await openLimiters();
  try {
    await work(scene);
  } finally {
    await scene.close();
  }
}

/** Two processes that share a limit, and one with another limit. */
async function openLimiters() {
  const { table, clock, close } = await openScratchTable();
  const open = (name: string) => createCallLimiter({ name, limit: LIMIT, pauseMs: 6_000, table, clock });
  return { clock, close, one: open('stacks'), two: open('stacks'), other: open('keys') };
}

test('processes share the turns of a limit, and other limits have their own', () =>
  withLimiters(async ({ clock, one, two, other }) => {
    await expect(one.take()).resolves.toBe(0);
    await expect(two.take()).resolves.toBe(0);
    await expect(one.take()).resolves.toBe(2_000);
    await expect(two.take()).resolves.toBe(2_000);
    await expect(other.take()).resolves.toBe(0);
    clock.advance(1_000);
    await expect(two.take()).resolves.toBe(1_000);
    clock.advance(1_000);
    await expect(two.take()).resolves.toBe(0);
    await expect(one.take()).resolves.toBe(2_000);
  }));

test('no turn is lost or doubled when many processes ask at once', () =>
  withLimiters(async ({ one, two }) => {
    const waits = await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? one : two).take()));
    expect(waits.filter((ms) => ms === 0)).toHaveLength(LIMIT.burst);
  }));

test('after a refused call nobody gets a turn until the pause is over', () =>
  withLimiters(async ({ clock, one, two }) => {
    await expect(one.refused()).resolves.toBe(6_000);
    await expect(two.take()).resolves.toBe(6_000);
    clock.advance(5_999);
    await expect(two.take()).resolves.toBeGreaterThan(0);
    clock.advance(1);
    await expect(two.take()).resolves.toBe(0);
  }));

test('a clock that was ahead delays nobody', () =>
  withLimiters(async ({ clock, one, two }) => {
    clock.setDate(3_600_000);
    await one.take();
    await one.take();
    clock.setDate(-3_600_000);
    clock.advance(2_000);
    await expect(two.take()).resolves.toBeLessThanOrEqual(2_000);
    clock.advance(2_000);
    await expect(two.take()).resolves.toBe(0);
  }));
