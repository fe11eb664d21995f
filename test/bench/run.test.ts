import { describe, expect, test } from '@jest/globals';
import { type Figure, figure, type Measured, percentile, QUICK } from '../../bench/figure.ts';
import { oncePer } from '../../bench/once-per.ts';
import { chosen, type Findings, type Measurement, measureAll, type Run } from '../../bench/run.ts';

const YARDSTICK = { name: 'a stick', value: 50, unit: 'ms' };

function measurement(id: string, measure: (run: Run) => Promise<Measured>, inQuick = true): Measurement {
  return { id, groups: ['group'], inQuick, measure };
}

function found(id: string): Figure {
  return figure(id, 100, 'ms', YARDSTICK, { atMost: 200 });
}

describe('a run of the benchmark', () => {
  const first = measurement('first', async () => ({ figure: found('first') }));
  const broken = measurement('broken', async () => Promise.reject(new Error('not possible')));
  const slow = measurement('slow', async () => ({ figure: found('slow') }), false);

  async function run(measurements: readonly Measurement[], controller = new AbortController()) {
    const findings: Findings = { figures: [], curve: [], failed: [] };
    const lines: string[] = [];
    await measureAll(measurements, QUICK, findings, {
      signal: controller.signal,
      progress: (line) => lines.push(line),
      measured: () => undefined,
    });
    return { findings, lines };
  }

  test('keeps the figures before and after one that could not be measured', async () => {
    const { findings, lines } = await run([first, broken, slow]);
    expect(findings).toEqual({ figures: [found('first'), found('slow')], curve: [], failed: ['broken'] });
    expect(lines).toContain('broken could not be measured: not possible');
  });

  test('starts a new platform after a failed measurement', async () => {
    const runs: Run[] = [];
    const noting = (fail: boolean) =>
      measurement('noting', async (one) => {
        runs.push(one);
        if (fail) throw new Error('failed');
        return { figure: found('noting') };
      });
    await run([noting(false), noting(true), noting(false)]);
    expect(runs[1]).toBe(runs[0]);
    expect(runs[2]).not.toBe(runs[0]);
  });

  test('stops after the current measurement when it is interrupted', async () => {
    const controller = new AbortController();
    const stopping = measurement('stopping', async () => {
      controller.abort();
      throw new Error('interrupted');
    });
    const { findings } = await run([stopping, first], controller);
    expect(findings).toEqual({ figures: [], curve: [], failed: [] });
  });

  test('skips slow measurements in a quick run unless they are named', () => {
    const all = [first, slow];
    expect(chosen(all, undefined, QUICK)).toEqual([first]);
    expect(chosen(all, undefined, { ...QUICK, quick: false })).toEqual(all);
    expect(chosen(all, 'slow, first', QUICK)).toEqual(all);
    expect(chosen(all, 'group', QUICK)).toEqual(all);
    expect(() => chosen(all, 'first,', QUICK)).toThrow(
      "unknown figure ''; the figures are\n  first (group)\n  slow (group)",
    );
  });
});

describe('a figure', () => {
  test.each([
    ['its value', figure('a', 100, 'ms', YARDSTICK, { atMost: 100 }), '<= 100 ms', true],
    ['its ratio', figure('a', 100, 'ms', YARDSTICK, { atLeast: 2.5 }, 'ratio'), 'ratio >= 2.5', false],
    ['nothing', figure('a', 100, 'ms', YARDSTICK, { atLeast: 1 }, 'nothing'), 'not judged', null],
  ])('is judged by %s', (_, judged, goal, holds) => {
    expect(judged).toEqual({ id: 'a', value: 100, unit: 'ms', yardstick: 'a stick: 50 ms', ratio: 2, goal, holds });
  });

  test('can be a percentile', () => {
    expect(percentile([3, 1, 2, 4], 0.5)).toBe(2);
    expect(percentile([3, 1, 2, 4], 0.99)).toBe(4);
  });
});

test('oncePer creates a value once for concurrent callers, and again after a failure', async () => {
  let calls = 0;
  const create = oncePer(async (_: object) => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    return calls;
  });
  const key = {};
  expect(await Promise.allSettled([create(key), create(key)])).toMatchObject([
    { status: 'rejected' },
    { status: 'rejected' },
  ]);
  expect(await Promise.all([create(key), create(key), create({})])).toEqual([2, 2, 3]);
});
