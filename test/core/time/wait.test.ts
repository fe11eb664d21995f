import { describe, expect, test } from '@jest/globals';
import { pause, withTimeout } from '../../../core/time/wait.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('pause resolves after its time, not before', async () => {
  const clock = new ManualClock();
  let over = false;
  const paused = pause(clock, 100).then(() => {
    over = true;
  });
  clock.advance(99);
  await Promise.resolve();
  expect(over).toBe(false);
  clock.advance(1);
  await paused;
  expect(over).toBe(true);
});

describe('withTimeout', () => {
  test('gives the value of work that ends in time, and cancels its timer', async () => {
    let cancelled = 0;
    const clock = { after: () => ({ cancel: () => void cancelled++ }) };
    expect(await withTimeout(clock, 100, Promise.resolve('value'), () => 'late')).toBe('value');
    expect(cancelled).toBe(1);
  });

  test('rejects as the work does', async () => {
    const work = Promise.reject(new Error('broken'));
    await expect(withTimeout(new ManualClock(), 100, work, () => 'late')).rejects.toThrow('broken');
  });

  test("gives the timeout's value once the time is over, and ignores how the work ends then", async () => {
    const clock = new ManualClock();
    const work = Promise.withResolvers<string>();
    const outcome = withTimeout(clock, 100, work.promise, () => 'late');
    clock.advance(100);
    expect(await outcome).toBe('late');
    work.reject(new Error('too late to matter'));
    await expect(work.promise).rejects.toThrow();
  });

  test('rejects with what the timeout throws', async () => {
    const clock = new ManualClock();
    const outcome = withTimeout(clock, 100, new Promise<never>(() => {}), () => {
      throw new Error('timed out');
    });
    clock.advance(100);
    await expect(outcome).rejects.toThrow('timed out');
  });
});
