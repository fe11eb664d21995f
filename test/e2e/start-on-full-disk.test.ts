import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { testUnless } from '../support/requirements.ts';
import { runCli, TestPlatform } from './harness.ts';

const withMounts = testUnless(process.getuid?.() === 0 ? undefined : 'root');

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

/** The processes with the id of the platform in this directory. None if its start has not come so far. */
function processesOf(dir: string): string[] {
  let id: string;
  try {
    ({ id } = JSON.parse(readFileSync(join(dir, 'instance.json'), 'utf8')) as { id: string });
  } catch {
    return [];
  }
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'utf8').includes(id);
    } catch {
      return false;
    }
  });
}

// Each size ends the start somewhere else: before, within and behind the stores.
withMounts.each([8, 256, 1_024])(
  'a start on a disk of %i KiB says that it is full, leaves no process, and is a whole one once there is space',
  async (kilobytes) => {
    const dir = mkdtempSync(join(tmpdir(), 'tp-full-'));
    mount('-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', dir);
    try {
      const result = await runCli(['up', '--json', '--no-demo', '--data-dir', dir, '--port', '0']);
      expect(result.code).not.toBe(0);
      expect(result.stderr + result.stdout).toMatch(/disk is full|ENOSPC/);
      expect(processesOf(dir)).toEqual([]);
      mount('-o', 'remount,size=200m', dir);
      const platform = new TestPlatform({ dataDir: dir });
      await platform.start();
      await platform.stop();
    } finally {
      spawnSync('umount', ['-l', dir]);
      rmdirSync(dir);
    }
  },
  120_000,
);
