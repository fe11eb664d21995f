import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isAlive, startOf } from '../../../../adapters/embedded/runtime/supervisor/process-info.ts';

describe('isAlive', () => {
  test('holds for a recorded process until it ends', async () => {
    const child = spawn('sleep', ['60']);
    const record = { pid: child.pid ?? 0, start: startOf(child.pid ?? 0) };
    expect(isAlive(record)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(record)).toBe(false);
  });

  test('does not take another process with the same pid, or one of another boot, for the recorded one', () => {
    const { pid } = process;
    const start = startOf(pid) ?? '';
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    expect(start).toContain(boot);
    expect(isAlive({ pid, start })).toBe(true);
    expect(isAlive({ pid, start: `${start}0` })).toBe(false);
    expect(isAlive({ pid, start: start.replace(boot, '00000000-0000-0000-0000-000000000000') })).toBe(false);
  });

  test('does not hold for a record without a start time', () => {
    expect(isAlive({ pid: process.pid, start: undefined })).toBe(false);
    expect(isAlive({ pid: 2 ** 22 + 1, start: startOf(2 ** 22 + 1) })).toBe(false);
  });
});
