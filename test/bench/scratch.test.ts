import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { scratchFolder, startChild, undoAll, undoLater } from '../../bench/scratch.ts';

test('a benchmark that cannot undo one thing undoes all others, says why, and makes nothing more', async () => {
  const folder = scratchFolder();
  const child = startChild(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  undoLater(() => {
    throw new Error('it is stuck');
  });
  await expect(undoAll()).rejects.toThrow('it is stuck');
  expect(child.signalCode).toBe('SIGTERM');
  expect(existsSync(folder.path)).toBe(false);
  expect(() => scratchFolder()).toThrow('the run has ended');
});
