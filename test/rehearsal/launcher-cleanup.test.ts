import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { containersFolder } from '../../rehearsal/account-files.ts';
import { missingContainerEngine } from '../../rehearsal/container-engine.ts';
import { missingPython } from '../../rehearsal/python-environment.ts';
import { describeUnless } from '../support/requirements.ts';
import { until } from '../support/until.ts';
import { isTaskAddressRight } from './task-address.ts';

jest.setTimeout(240_000);
const ROOT = join(import.meta.dirname, '../..');

/** Starts an account in a process of its own, which prints what it has and ends on a signal. */
const PROGRAM = `
import { startEmulatedAccount } from './rehearsal/emulated-account.ts';
const account = await startEmulatedAccount({ containers: true, progress: () => {} });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
console.log(JSON.stringify({ port: account.port, directory: account.directory }));
setInterval(() => {}, 1000);
`;

interface Running {
  readonly port: number;
  readonly directory: string;
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Processes of this suite, which a failed test leaves behind. */
const running = new Set<ChildProcess>();
afterEach(async () => {
  for (const child of running)
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await once(child, 'exit');
  running.clear();
});

async function startIn(TMPDIR: string): Promise<Running> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  running.add(child);
  const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as [Buffer | number];
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return { ...(JSON.parse(String(line)) as Omit<Running, 'stop'>), stop };
}

const mountsIn = (folder: string) => String(spawnSync('cat', ['/proc/self/mountinfo']).stdout).includes(folder);

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-cleanup-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describeUnless(missingPython() ?? missingContainerEngine(), 'an emulated account with containers', () => {
  test('shares the address of task credentials with other accounts, and the last one removes it', async () => {
    await inFolder(async (folder) => {
      const [first, second] = [await startIn(folder), await startIn(folder)];
      const reach = async ({ port }: Running) => (await fetch(`http://169.254.170.2:${port}/_ministack/health`)).status;
      expect([await reach(first), await reach(second)]).toEqual([200, 200]);
      await first.stop('SIGTERM');
      expect(await reach(second)).toBe(200);
      await second.stop('SIGINT');
      expect(readdirSync(folder)).toEqual([]);
      expect(mountsIn(containersFolder(first.directory))).toBe(false);
      expect(await isTaskAddressRight()).toBe(true);
    });
  });

  test('that was killed is removed by the next account', async () => {
    await inFolder(async (folder) => {
      const killed = await startIn(folder);
      const alias = ['169.254.9.9/32', 'dev', 'lo', 'label', `lo:tp${killed.port}`];
      expect(spawnSync('ip', ['address', 'add', ...alias]).status).toBe(0);
      await killed.stop('SIGKILL');
      await until(async () => !(await fetch(`http://127.0.0.1:${killed.port}/`).catch(() => false)));
      expect(existsSync(killed.directory)).toBe(true);
      const next = await startIn(folder);
      const folders = [killed.directory, containersFolder(killed.directory)];
      expect(folders.filter((path) => existsSync(path))).toEqual([]);
      expect(String(spawnSync('ip', ['address', 'show', 'dev', 'lo']).stdout)).not.toContain('169.254.9.9');
      await next.stop('SIGTERM');
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});
