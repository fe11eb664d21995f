import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  endGroup,
  enterGroup,
  entryOf,
  findGroups,
  killGroup,
  membersOf,
  removeGroups,
  taskGroupIn,
} from '../../../../adapters/embedded/runtime/supervisor/cgroup.ts';
import { ownProcesses } from '../../../../adapters/embedded/runtime/supervisor/own-processes.ts';
import type { CpuCap } from '../../../../adapters/embedded/runtime/supervisor/protocol.ts';
import { describeUnless } from '../../../support/requirements.ts';
import { until } from '../../../support/until.ts';
import { isAlive } from './platform.ts';

// The kernel's own version 2. Which version holds the controllers of CPU and memory depends on the machine, so their limits
// are not set here.

const INSTANCE = `v2-${process.pid}`;
const GROUP = 'shared.tenantv2.echo-abcde';
/**
 * A child that leaves its session, its parent and its environment behind, and forks on. It stops by itself, so that it does
 * no harm if a test is interrupted.
 */
const STRAY = "setsid env -i /bin/sh -c 'for i in $(seq 1500); do sleep 5 & sleep 0.01; done' &";

describeUnless(process.getuid?.() === 0 ? undefined : 'root', 'TI-5: a cgroup of version 2', () => {
  const mount = mkdtempSync(join(tmpdir(), 'tp-cgroup2-'));
  const cap: CpuCap = { kind: 'cgroup-v2', root: join(mount, `tierplane-${INSTANCE}`) };
  const children: ChildProcess[] = [];

  beforeAll(() => {
    const { status, stderr } = spawnSync('mount', ['-t', 'cgroup2', 'none', mount], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await removeGroups(cap);
  });
  afterAll(() => {
    spawnSync('umount', [mount]);
    rmdirSync(mount);
  });

  /** A task that joins its cgroup as the launcher does, and leaves a stray child behind. */
  function start(script: string): ChildProcess {
    mkdirSync(join(cap.kind === 'nice' ? '' : cap.root, GROUP), { recursive: true });
    const child = spawn('/bin/sh', ['-c', `echo $$ > ${entryOf(cap, GROUP)} || exit 1; ${script} exec sleep 60`], {
      stdio: 'ignore',
      detached: true,
    });
    children.push(child);
    return child;
  }

  test('holds a process and what it starts, and a later start recognises all of them', async () => {
    start(STRAY);
    const members = await until(() => membersOf(cap, GROUP).length > 10 && membersOf(cap, GROUP));
    for (const pid of members) {
      const text = existsSync(`/proc/${pid}/cgroup`) ? readFileSync(`/proc/${pid}/cgroup`, 'utf8') : undefined;
      if (text !== undefined) expect(taskGroupIn(text, INSTANCE)).toBe(GROUP);
    }
    const own = ownProcesses(INSTANCE);
    expect(own.length).toBeGreaterThan(3);
    expect(new Set(own.map(({ tenantId }) => tenantId))).toEqual(new Set(['tenantv2']));
    expect(findGroups(cap, (name) => name === GROUP)).toEqual([GROUP]);
  });

  test('is ended at once, also while its processes fork, and removed', async () => {
    const child = start(STRAY);
    const members = await until(() => membersOf(cap, GROUP).length > 10 && membersOf(cap, GROUP));
    await endGroup(cap, GROUP);
    expect(members.filter((pid) => pid !== child.pid && isAlive(pid))).toEqual([]);
    expect([membersOf(cap, GROUP), findGroups(cap, () => true)]).toEqual([[], []]);
  });

  test('is killed without waiting', async () => {
    start('');
    const [pid = 0] = await until(() => membersOf(cap, GROUP).length > 0 && membersOf(cap, GROUP));
    killGroup(cap, GROUP);
    await until(() => membersOf(cap, GROUP).length === 0);
    // Its parent, this process, may not have taken note of its end yet.
    await until(() => ownProcesses(INSTANCE).every((one) => one.pid !== pid));
  });

  test('takes a process that has not joined by itself', async () => {
    start('');
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    children.push(other);
    await enterGroup(cap, GROUP, other.pid ?? 0);
    expect(membersOf(cap, GROUP)).toContain(other.pid);
  });
});
