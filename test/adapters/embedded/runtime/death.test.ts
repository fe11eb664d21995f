import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { findCgroup, removeGroups } from '../../../../adapters/embedded/runtime/supervisor/cgroup.ts';
import { killLeftovers } from '../../../../adapters/embedded/runtime/supervisor/leftovers.ts';
import { startOf } from '../../../../adapters/embedded/runtime/supervisor/process-info.ts';
import { testUnless } from '../../../support/requirements.ts';
import { until } from '../../../support/until.ts';
import { isAlive, newDataDir, processesOf, startPlatform } from './platform.ts';
import type { StandIn } from './stand-in.ts';

const WITHIN_MS = 1_000;
/** Without setpriv, a blocked task runs on until the next start. */
const HAS_SETPRIV = existsSync('/usr/bin/setpriv') || existsSync('/bin/setpriv');
const withSetpriv = testUnless(HAS_SETPRIV ? undefined : 'setpriv');

/** Only a cgroup holds a process that has left everything else behind. */
const withCgroups = testUnless(HAS_SETPRIV && process.getuid?.() === 0 ? undefined : 'root and setpriv');

const started: { child: ChildProcess; dataDir: string; instance: string }[] = [];

async function startStandIn(): Promise<{ child: ChildProcess; dataDir: string; standIn: StandIn }> {
  const dataDir = newDataDir();
  const entry = join(import.meta.dirname, 'stand-in.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, dataDir], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const standIn = await new Promise<StandIn>((resolve, reject) => {
    child.once('message', (message) => resolve(message as StandIn));
    child.once('exit', (code) => reject(new Error(`the stand-in ended with ${code}`)));
  });
  started.push({ child, dataDir, instance: standIn.instance });
  return { child, dataDir, standIn };
}

afterEach(async () => {
  for (const { child, dataDir, instance } of started.splice(0)) {
    child.kill('SIGKILL');
    await killLeftovers(instance, join(dataDir, 'processes'));
    const cgroup = findCgroup(instance);
    if ('kind' in cgroup) await removeGroups(cgroup);
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function killNow(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

describe('SIGKILL', () => {
  withSetpriv('of an agent ends all its tasks, blocked ones too, and only its own', async () => {
    const { standIn } = await startStandIn();
    const [pool, , advanced, premium, second] = standIn.tasks;
    killNow([standIn.agents[2] ?? 0]);
    await until(() => [premium, second].every((pid) => !isAlive(pid ?? 0)), WITHIN_MS);
    expect([pool, advanced].every((pid) => isAlive(pid ?? 0))).toBe(true);
  });

  test('of the platform ends all agents and tasks, including blocked ones', async () => {
    const { child, standIn } = await startStandIn();
    killNow([child.pid ?? 0]);
    await until(() => [...standIn.tasks, ...standIn.agents].every((pid) => !isAlive(pid)), WITHIN_MS);
    expect(processesOf(standIn.instance)).toEqual([]);
  });

  withSetpriv('of platform and agents at once ends every task, blocked ones too', async () => {
    const { child, standIn } = await startStandIn();
    killNow([child.pid ?? 0, ...standIn.agents]);
    await until(() => standIn.tasks.every((pid) => !isAlive(pid)), WITHIN_MS);
    expect(processesOf(standIn.instance)).toEqual([]);
  });

  withCgroups('of the platform and all agents leaves a detached descendant, which the next start ends', async () => {
    const { child, dataDir, standIn } = await startStandIn();
    killNow([child.pid ?? 0, ...standIn.agents]);
    await until(() => standIn.tasks.every((pid) => !isAlive(pid)), WITHIN_MS);
    expect(processesOf(standIn.instance)).toEqual([]);
    expect(isAlive(standIn.stray)).toBe(true);
    const platform = await startPlatform({ dataDir });
    expect(isAlive(standIn.stray)).toBe(false);
    await platform.stop();
  });

  withCgroups('of the platform ends descendants that have detached themselves', async () => {
    const { child, standIn } = await startStandIn();
    killNow([child.pid ?? 0]);
    await until(() => !isAlive(standIn.stray), WITHIN_MS);
  });

  test('of the platform lets the next start clean up and serve again', async () => {
    const { child, dataDir, standIn } = await startStandIn();
    killNow([child.pid ?? 0]);
    await until(() => [...standIn.tasks, ...standIn.agents].every((pid) => !isAlive(pid)), WITHIN_MS);
    const platform = await startPlatform({ dataDir });
    try {
      expect(existsSync(join(dataDir, 'run/pool'))).toBe(false);
      expect(await platform.runtime.services()).toEqual([]);
    } finally {
      await platform.stop();
    }
  });
});

describe('killLeftovers', () => {
  const blocked = ['-e', 'for(;;);'];
  const strays: ChildProcess[] = [];
  const stray = (env: Record<string, string>): number => {
    const child = spawn(process.execPath, blocked, { detached: true, stdio: 'ignore', env });
    strays.push(child);
    return child.pid ?? 0;
  };
  afterEach(() => {
    for (const child of strays.splice(0)) child.kill('SIGKILL');
  });

  test('ends processes that carry the mark or were recorded, and no other process with the same name or pid', async () => {
    const dataDir = newDataDir();
    try {
      const marked = stray({ TIERPLANE_INSTANCE: 'sweep-1' });
      const recorded = stray({});
      const reused = stray({});
      const sibling = stray({ TIERPLANE_INSTANCE: 'sweep-10' });
      const nameless = stray({ OTHER: 'TIERPLANE_INSTANCE=sweep-1' });
      await until(() => processesOf('sweep-1').includes(marked));
      mkdirSync(join(dataDir, 'processes'));
      const records = [
        { pid: recorded, start: startOf(recorded) },
        { pid: reused, start: 'another start' },
      ];
      writeFileSync(join(dataDir, 'processes/pool.json'), JSON.stringify(records));
      writeFileSync(join(dataDir, 'processes/shared.json'), '[{"pid":');
      expect(await killLeftovers('sweep-1', join(dataDir, 'processes'))).toBe(2);
      expect([marked, recorded, reused, sibling, nameless].map(isAlive)).toEqual([false, false, true, true, true]);
      expect(await killLeftovers('sweep-1', join(dataDir, 'processes'))).toBe(0);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
