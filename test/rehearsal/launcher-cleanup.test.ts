import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { missingContainerEngine } from '../../rehearsal/container-engine.ts';
import { missingPython } from '../../rehearsal/python-environment.ts';
import { describeUnless } from '../support/requirements.ts';
import { until } from '../support/until.ts';

jest.setTimeout(240_000);
const ROOT = join(import.meta.dirname, '../..');

/** Starts an account in a process of its own, which prints what it has and ends on a signal. */
const PROGRAM = `
import { startEmulatedAccount } from './rehearsal/emulated-account.ts';
const account = await startEmulatedAccount({ containers: true, progress: () => {} });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
console.log(JSON.stringify({ port: account.port, directory: account.directory, host: account.engine.host }));
setInterval(() => {}, 1000);
`;

interface Running {
  readonly port: number;
  readonly directory: string;
  stop(signal: NodeJS.Signals): Promise<void>;
}

async function startIn(TMPDIR: string): Promise<Running> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as [Buffer | number];
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return { ...(JSON.parse(String(line)) as Omit<Running, 'stop'>), stop };
}

const hasTaskAddress = () =>
  String(spawnSync('ip', ['address', 'show', 'dev', 'lo']).stdout).includes('169.254.170.2/32');
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
      expect(mountsIn(folder)).toBe(false);
    });
  });

  test('that was killed is removed by the next account', async () => {
    await inFolder(async (folder) => {
      const killed = await startIn(folder);
      await killed.stop('SIGKILL');
      await until(async () => !(await fetch(`http://127.0.0.1:${killed.port}/`).catch(() => false)));
      expect(existsSync(killed.directory)).toBe(true);
      const next = await startIn(folder);
      expect(existsSync(killed.directory)).toBe(false);
      await next.stop('SIGTERM');
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});

describe('the address of task credentials', () => {
  test('is on this machine only while an account with containers runs', async () => {
    // Another suite's account may run at the same time; a lock that is free says that none does.
    const free =
      spawnSync('flock', ['--exclusive', '--nonblock', '/run/lock/tierplane-task-address', 'true']).status === 0;
    if (free) expect(hasTaskAddress()).toBe(false);
    else expect(hasTaskAddress()).toBe(true);
  });
});
