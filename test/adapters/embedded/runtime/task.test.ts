import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ProcessLog } from '../../../../adapters/embedded/process-log.ts';
import type { AgentConfig, ServicePlan } from '../../../../adapters/embedded/runtime/supervisor/protocol.ts';
import { Task } from '../../../../adapters/embedded/runtime/supervisor/task.ts';
import { groupOf } from '../../../../adapters/embedded/runtime/supervisor/task-group.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { until } from '../../../support/until.ts';
import { getFrom, silo } from './platform.ts';

const TASK_ID = 'echo-abcde';
/** A service that is ready at once. */
const SERVICE = `
  require('node:http').createServer((_, response) => response.end('{}'))
    .listen(process.env.TIERPLANE_SOCKET, () => process.send({ type: 'ready' }))`;

test('TI-5: a task that does not join its cgroup by itself serves nothing before it is there, because its children would outlive it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tp-task-'));
  const spec = silo('tenanttask');
  const group = join(folder, groupOf(spec, TASK_ID));
  const entry = join(group, 'cgroup.procs');
  const socket = join(folder, 'task.sock');
  mkdirSync(group);
  // A pipe stands for a kernel that is slow to move a process: the write waits for its reader.
  execFileSync('mkfifo', [entry]);
  const log = new ProcessLog(join(folder, 'task.log'));
  const task = new Task({
    taskId: TASK_ID,
    socket,
    plan: { ...spec, desired: 1, generation: 1, socketDir: folder } as unknown as ServicePlan,
    launch: { command: process.execPath, args: ['-e', SERVICE], env: { TIERPLANE_SOCKET: socket }, joinsGroup: false },
    log,
    config: { cpu: { kind: 'cgroup-v1', root: folder }, instance: 'i-1' } as AgentConfig,
    clock: systemClock,
    changed: () => undefined,
    ended: () => undefined,
  });
  try {
    await until(() => getFrom(socket, '/').catch(() => undefined));
    // More than enough for a health check.
    for (let count = 0; count < 100; count++) await getFrom(socket, '/');
    expect(task.state).toBe('starting');
    expect(await readFile(entry, 'utf8')).toBe(String(task.pid));
    await until(() => task.state === 'healthy');
  } finally {
    rmSync(entry);
    writeFileSync(entry, '');
    task.kill('the test has ended');
    await task.gone;
    await log.close();
    expect(readFileSync(join(folder, 'task.log'), 'utf8')).toBe('');
    rmSync(folder, { recursive: true });
  }
});
