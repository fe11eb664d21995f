import { describe, expect, test } from '@jest/globals';
import { repeat } from '../../../core/time/repeat.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('repeat', () => {
  test('runs once per interval, first after one interval, until it is closed', async () => {
    const clock = new ManualClock();
    const start = clock.now();
    const times: number[] = [];
    const repetition = repeat(clock, 100, () => void times.push(clock.now() - start));
    clock.advance(350);
    expect(times).toEqual([100, 200, 300]);
    await repetition.close();
    clock.advance(1_000);
    expect(times).toHaveLength(3);
  });

  test('never starts a run before the one before has ended, and waits for it when it is closed', async () => {
    const clock = new ManualClock();
    const runs: PromiseWithResolvers<void>[] = [];
    const repetition = repeat(clock, 100, () => {
      runs.push(Promise.withResolvers());
      return runs.at(-1)?.promise;
    });
    clock.advance(500);
    expect(runs).toHaveLength(1);
    runs[0]?.resolve();
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(100);
    expect(runs).toHaveLength(2);
    let closed = false;
    const closing = repetition.close().then(() => {
      closed = true;
    });
    await Promise.resolve();
    expect(closed).toBe(false);
    runs[1]?.resolve();
    await closing;
    clock.advance(500);
    expect(runs).toHaveLength(2);
  });
});
