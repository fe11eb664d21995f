import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type PlannedTask, planTasks } from '../../../../adapters/embedded/runtime/supervisor/plan-tasks.ts';
import { restartDelayMs } from '../../../../adapters/embedded/runtime/supervisor/restart-delay.ts';

const task = (id: string, state: PlannedTask['state'], outdated = false): PlannedTask => ({ id, state, outdated });

const CASES: [string, number, PlannedTask[], { spawn: number; drain: string[] }][] = [
  ['starts all missing tasks at once', 3, [], { spawn: 3, drain: [] }],
  [
    'changes nothing when enough current tasks run or start',
    2,
    [task('a', 'healthy'), task('b', 'starting')],
    { spawn: 0, drain: [] },
  ],
  ['starts a new task beside an outdated one', 1, [task('a', 'healthy', true)], { spawn: 1, drain: [] }],
  [
    'keeps the outdated task while the new one starts',
    1,
    [task('a', 'healthy', true), task('b', 'starting')],
    { spawn: 0, drain: [] },
  ],
  [
    'drains the outdated task when the new one is healthy',
    1,
    [task('a', 'healthy', true), task('b', 'healthy')],
    { spawn: 0, drain: ['a'] },
  ],
  [
    'replaces several outdated tasks one by one, unhealthy ones first',
    2,
    [task('a', 'healthy', true), task('b', 'unhealthy', true), task('c', 'healthy')],
    { spawn: 1, drain: ['b'] },
  ],
  [
    'drains an outdated task that never became healthy at once',
    1,
    [task('a', 'starting', true)],
    { spawn: 1, drain: ['a'] },
  ],
  [
    'scales down by draining tasks that are not healthy first, then the newest',
    1,
    [task('a', 'healthy'), task('b', 'healthy'), task('c', 'starting')],
    { spawn: 0, drain: ['c', 'b'] },
  ],
  ['scales down to zero tasks', 0, [task('a', 'healthy'), task('b', 'healthy', true)], { spawn: 0, drain: ['b', 'a'] }],
];

describe('planTasks', () => {
  test.each(CASES)('%s', (_name, desired, tasks, changes) => {
    expect(planTasks(desired, tasks)).toEqual(changes);
  });

  test('converges from any state, and never lets fewer tasks serve than did before, or than desired', () => {
    const tasks = fc.array(
      fc.record({
        state: fc.constantFrom('starting' as const, 'healthy' as const, 'unhealthy' as const),
        outdated: fc.boolean(),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), tasks, (desired, given) => {
        let now: PlannedTask[] = given.map((each, index) => ({ id: `t${index}`, ...each }));
        const serving = (): number => now.filter(({ state }) => state === 'healthy').length;
        for (let step = 0; step < 60; step++) {
          const floor = Math.min(serving(), desired);
          const { spawn, drain } = planTasks(desired, now);
          now = now.filter(({ id }) => !drain.includes(id));
          expect(serving()).toBeGreaterThanOrEqual(floor);
          now.push(...Array.from({ length: spawn }, (_, index) => task(`s${step}-${index}`, 'starting')));
          // In each step, the oldest task that is not healthy becomes healthy.
          const next = now.findIndex(({ state, outdated }) => state !== 'healthy' && !outdated);
          now = now.map((each, index) => (index === next ? { ...each, state: 'healthy' } : each));
        }
        expect(now).toHaveLength(desired);
        expect(now.every(({ state, outdated }) => state === 'healthy' && !outdated)).toBe(true);
      }),
    );
  });
});

describe('restartDelayMs', () => {
  test('is zero after the first failure, then doubles from 250 ms up to 15 s', () => {
    expect([1, 2, 3, 4, 20].map((failures) => restartDelayMs(failures, 0))).toEqual([0, 250, 500, 1000, 15_000]);
  });
});
