import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { collectOutput } from '../support/collect-output.ts';
import { LAUNCHER } from './harness.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tp-files-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Runs a command in a shell that allows 64 open files. */
async function withFewFiles(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', LAUNCHER, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collectOutput(child);
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...output, code };
}

const NEEDED = /may have 64 files open, but the platform needs at least 1024: raise the limit with 'ulimit -n 4096'/;

test('with too few open files, up says what is needed and starts nothing', async () => {
  const dataDir = join(parent, 'data');
  const { code, stderr } = await withFewFiles('up', '--data-dir', dataDir, '--port', '0', '--no-demo');
  expect([code, existsSync(dataDir)]).toEqual([78, false]);
  expect(stderr).toMatch(NEEDED);
});

test('with too few open files, doctor says what is needed', async () => {
  const { code, stdout } = await withFewFiles('doctor', '--data-dir', join(parent, 'data'));
  expect(code).not.toBe(0);
  expect(stdout).toMatch(NEEDED);
});
