import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from '@jest/globals';
import { CpuWatch, cpuTimesOf, isStarved } from '../../../../adapters/embedded/runtime/supervisor/starvation.ts';
import { until } from '../../../support/until.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function running(script: string): number {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  children.push(child);
  return child.pid ?? 0;
}

describe('a silent process', () => {
  test.each<[string, number, number, boolean]>([
    ['waits for a processor all the time', 10, 3_000, true],
    ['waits for a processor most of the time', 400, 1_700, true],
    ['is stopped', 0, 0, false],
    ['waits for a lock or a disk', 20, 100, false],
    ['loops on an idle machine', 3_000, 0, false],
    ['loops on a loaded machine, and has had its turn', 501, 2_400, false],
  ])('that %s: starved or not', (_what, ranMs, waitedMs, expected) => {
    const before = { ranMs: 1_000, waitedMs: 50 };
    const now = { ranMs: before.ranMs + ranMs, waitedMs: before.waitedMs + waitedMs };
    expect(isStarved(before, now, 3_000, 500)).toBe(expected);
  });

  test('that is stopped does not count as starved', async () => {
    const pid = running('for (;;);');
    await until(() => (cpuTimesOf(pid)?.ranMs ?? 0) > 50);
    process.kill(pid, 'SIGSTOP');
    const watch = new CpuWatch(pid);
    expect(watch.isStarved(500)).toBe(false);
  });

  test('that has ended has no figures, and does not count as starved', () => {
    expect(cpuTimesOf(2 ** 22 + 1)).toBeUndefined();
    expect(new CpuWatch(2 ** 22 + 1).isStarved(500)).toBe(false);
  });
});
