import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { cleanUp, cleanUpLater, scratchFolder, startChild } from '../../bench/scratch.ts';

test('a benchmark that cannot clean up one thing cleans up all others, reports the error, and starts nothing more', async () => {
  const folder = scratchFolder();
  const child = startChild(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  cleanUpLater(() => {
    throw new Error('it is stuck');
  });
  await expect(cleanUp()).rejects.toThrow('it is stuck');
  expect(child.signalCode).toBe('SIGTERM');
  expect(existsSync(folder.path)).toBe(false);
  expect(() => scratchFolder()).toThrow('the run has ended');
});
