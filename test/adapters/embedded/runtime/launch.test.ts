import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  createGroup,
  findCgroup,
  removeGroups,
  taskGroupIn,
} from '../../../../adapters/embedded/runtime/supervisor/cgroup.ts';
import { launchTask } from '../../../../adapters/embedded/runtime/supervisor/launch.ts';
import type { AgentConfig, ServicePlan } from '../../../../adapters/embedded/runtime/supervisor/protocol.ts';
import { groupOf } from '../../../../adapters/embedded/runtime/supervisor/task-group.ts';
import { testUnless } from '../../../support/requirements.ts';

const withCgroups = testUnless(process.getuid?.() === 0 ? undefined : 'root');

const CONFIG: AgentConfig = {
  cluster: 'shared',
  instance: 'i-1',
  recordFile: '/data/processes/shared.json',
  setpriv: '/usr/bin/setpriv',
  cpu: { kind: 'nice' },
  cacheDir: '/data/cache/code',
};
const PLAN: ServicePlan = {
  cluster: 'shared',
  tenantId: 'tenant00001',
  service: 'orders',
  desired: 1,
  size: { memoryMiB: 192, cpu: 1, desired: 1, max: 4 },
  environment: { TIERPLANE_TIER: 'advanced', TIERPLANE_TENANT: 'another', PATH: '/evil' },
  generation: 1,
  bundle: '/data/cache/bundles/orders.1-2.cjs',
  dataFile: '/data/tenants/tenant00001/orders.db',
  logFile: '/data/logs/shared.tenant00001.orders.log',
  socketDir: '/data/run/tenant00001',
  uid: 700_001,
};
const NAMES = { taskId: 'orders-abcde', socket: '/data/run/tenant00001/orders-abcde.sock' };
const NODE = [
  '/bin/node',
  '--max-old-space-size=120',
  '--max-semi-space-size=16',
  '--expose-gc',
  '--no-concurrent-recompilation',
  '--disable-warning=ExperimentalWarning',
  PLAN.bundle,
];
const ENV = {
  PATH: '/bin',
  NODE_COMPILE_CACHE: '/data/cache/code',
  TIERPLANE_INSTANCE: 'i-1',
  TIERPLANE_TIER: 'advanced',
  TIERPLANE_SERVICE: 'orders',
  TIERPLANE_TENANT: 'tenant00001',
  TIERPLANE_TASK_ID: NAMES.taskId,
  TIERPLANE_SOCKET: NAMES.socket,
  TIERPLANE_DATA_FILE: PLAN.dataFile,
};

describe('launchTask', () => {
  test("sets the user before the death signal, and a spec cannot override the task's identity", () => {
    expect(launchTask(PLAN, NAMES, CONFIG, '/bin/node', '/bin')).toEqual({
      command: '/usr/bin/setpriv',
      args: [
        ...['--reuid', '700001', '--regid', '700001', '--clear-groups'],
        ...['--no-new-privs', '--pdeathsig', 'KILL'],
        ...NODE,
      ],
      env: ENV,
      joinsGroup: false,
    });
  });

  test('does not change the user if all tasks share one', () => {
    const { uid: _, ...shared } = PLAN;
    expect(launchTask(shared, NAMES, CONFIG, '/bin/node', '/bin').args).toEqual([
      ...['--no-new-privs', '--pdeathsig', 'KILL'],
      ...NODE,
    ]);
  });

  test('leaves the change of user to spawn if there is no setpriv', () => {
    expect(launchTask(PLAN, NAMES, { ...CONFIG, setpriv: undefined }, '/bin/node', '/bin')).toEqual({
      command: '/bin/node',
      args: NODE.slice(1),
      env: ENV,
      uid: 700_001,
      gid: 700_001,
      joinsGroup: false,
    });
  });

  const CAPPED: AgentConfig = { ...CONFIG, cpu: { kind: 'cgroup-v2', root: '/groups' } };
  const ENTRY = '/groups/shared.tenant00001.orders-abcde/cgroup.procs';

  test('TI-5: joins the cgroup first, as the user of the agent', () => {
    const { command, args, joinsGroup } = launchTask(PLAN, NAMES, CAPPED, '/bin/node', '/bin');
    expect([command, ...args.slice(2, 6), joinsGroup]).toEqual([
      '/bin/sh',
      ENTRY,
      '/usr/bin/setpriv',
      '--reuid',
      '700001',
      true,
    ]);
    const { uid: _, ...shared } = PLAN;
    const bare = launchTask(shared, NAMES, { ...CAPPED, setpriv: undefined }, '/bin/node', '/bin');
    expect([bare.args.slice(2), bare.joinsGroup]).toEqual([[ENTRY, ...NODE], true]);
  });

  test('TI-5: leaves it to the agent if the user of the task cannot write to the cgroup', () => {
    const launch = launchTask(PLAN, NAMES, { ...CAPPED, setpriv: undefined }, '/bin/node', '/bin');
    expect([launch.command, launch.joinsGroup]).toEqual(['/bin/node', false]);
  });

  withCgroups('TI-5: what the service starts while its module loads is in the cgroup', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tp-launch-'));
    const cap = findCgroup(`launch-${process.pid}`);
    if ('reason' in cap) throw new Error(cap.reason);
    try {
      const bundle = join(folder, 'service.cjs');
      // Its first line starts a child, before an agent could do anything.
      writeFileSync(
        bundle,
        "process.stdout.write(require('node:child_process').execFileSync('cat', ['/proc/self/cgroup']))",
      );
      const plan = { ...PLAN, bundle, uid: undefined } as unknown as ServicePlan;
      createGroup(cap, groupOf(plan, NAMES.taskId), plan.size);
      const { command, args } = launchTask(plan, NAMES, { ...CONFIG, cpu: cap }, process.execPath, '/bin');
      const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
      expect([taskGroupIn(stdout, `launch-${process.pid}`), stderr]).toEqual([groupOf(plan, NAMES.taskId), '']);
    } finally {
      await removeGroups(cap);
      rmSync(folder, { recursive: true });
    }
  });

  test('keeps V8 below the memory cap, with the same new space for tasks of every size', () => {
    const limits = (memoryMiB: number): readonly string[] => {
      const plan = { ...PLAN, size: { ...PLAN.size, memoryMiB } };
      return launchTask(plan, NAMES, CONFIG, '/bin/node', '/bin').args.filter((one) => one.includes('space-size'));
    };
    expect(limits(384)).toEqual(['--max-old-space-size=312', '--max-semi-space-size=16']);
    expect(limits(64)).toEqual(['--max-old-space-size=32', '--max-semi-space-size=16']);
  });
});
