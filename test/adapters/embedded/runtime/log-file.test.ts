import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { closeLog, openLog, rotateLog } from '../../../../adapters/embedded/runtime/supervisor/log-file.ts';

test('a log over its size is rotated, two old files are kept, and a process that holds it open continues at its new end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tp-log-'));
  try {
    const path = join(folder, 'task.log');
    const fd = openLog(path);
    for (const text of ['first', 'second', 'third']) {
      writeSync(fd, text);
      await rotateLog(path, 3);
    }
    writeSync(fd, 'end');
    await rotateLog(path, 3);
    closeLog(fd);
    expect([path, `${path}.1`, `${path}.2`].map((file) => readFileSync(file, 'utf8'))).toEqual([
      'end',
      'third',
      'second',
    ]);
    expect(statSync(`${path}.1`).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a log that does not exist is not rotated', async () => {
  await expect(rotateLog('/nowhere/task.log')).resolves.toBeUndefined();
});

test('output is discarded, without an error, if a log cannot be opened', () => {
  const fd = openLog('/nowhere/task.log');
  expect(() => writeSync(fd, 'lost')).not.toThrow();
  closeLog(fd);
});

test('a log that cannot be rotated stays as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tp-log-'));
  try {
    const path = join(folder, 'task.log');
    writeFileSync(path, 'kept');
    // A directory in place of the second old file makes the rotation fail, as a full disk would.
    writeFileSync(`${path}.1`, 'old');
    mkdirSync(`${path}.2`);
    await rotateLog(path, 3);
    expect(readFileSync(path, 'utf8')).toBe('kept');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
