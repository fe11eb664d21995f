import { spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRuntime } from '../../../../adapters/embedded/runtime/runtime.ts';
import { removeGroups } from '../../../../adapters/embedded/runtime/supervisor/cgroup.ts';
import { probeIsolation } from '../../../../adapters/embedded/runtime/supervisor/isolation.ts';
import { groupOf } from '../../../../adapters/embedded/runtime/supervisor/task-group.ts';
import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { put } from '../../../../core/ports/table.ts';
import { testUnless } from '../../../support/requirements.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { until } from '../../../support/until.ts';
import {
  deploy,
  FIXTURES,
  getFrom,
  newDataDir,
  pooled,
  premium,
  SIZE,
  silo,
  startPlatform,
  statusOf,
  type TestPlatform,
  taskOf,
  withdraw,
} from './platform.ts';
import type { StandIn } from './stand-in.ts';

/** Own user ids need root. */
const IS_ROOT = process.getuid?.() === 0;
const asRoot = testUnless(IS_ROOT ? undefined : 'root');

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(async () => platform.remove());

describe('TI-5: started as root', () => {
  const [one, ten, rich] = [silo('tenantuid01'), silo('tenantuid010'), premium('tenantuid02')];
  const trying = async (path: string): Promise<unknown> => {
    const { endpoint } = await taskOf(platform.runtime, one);
    const { body } = await getFrom(endpoint, path);
    return body.ok ? 'allowed' : body.code;
  };
  beforeAll(async () => {
    if (IS_ROOT) await deploy(platform.runtime, [one, ten, rich, pooled()]);
  });

  asRoot('each silo tenant, and the pool, runs under its own user id, without groups', async () => {
    expect(platform.runtime.isolation).toMatchObject({ ownUsers: true });
    const statuses = await Promise.all([one, ten, rich, pooled()].map((spec) => statusOf(platform.runtime, spec)));
    const uids = statuses.map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(4);
    for (const status of statuses) {
      const { endpoint } = await taskOf(platform.runtime, status);
      const { body } = await getFrom(endpoint, '/whoami');
      expect(body).toMatchObject({ uid: status.uid, gid: status.uid });
      expect(body.groups.filter((group: number) => group !== status.uid)).toEqual([]);
    }
  });

  asRoot("a tenant's task can read its own data, but not another tenant's or the platform's", async () => {
    const data = platform.dataDir;
    expect(await trying(`/write?path=${data}/tenants/tenantuid01/own`)).toBe('allowed');
    expect(await trying(`/list?path=${data}/tenants/tenantuid01`)).toBe('allowed');
    for (const path of [
      'tenants/tenantuid010',
      'tenants/tenantuid02',
      'tenants/pool',
      'tenants',
      'logs',
      'processes',
      '',
    ]) {
      expect([path, await trying(`/list?path=${data}/${path}`)]).toEqual([path, 'EACCES']);
    }
    for (const path of ['platform.db', 'tenants/pool/echo.db', 'logs/shared.tenantuid01.echo.log']) {
      expect([path, await trying(`/read?path=${data}/${path}`)]).toEqual([path, 'EACCES']);
    }
    expect(statSync(join(data, 'tenants/tenantuid010')).mode & 0o777).toBe(0o700);
    expect(statSync(join(data, 'platform.db')).mode & 0o777).toBe(0o600);
  });

  asRoot("a tenant's task cannot signal another tenant's task, or find its socket", async () => {
    const other = await taskOf(platform.runtime, ten);
    expect(await trying(`/signal?pid=${other.pid}`)).toBe('EPERM');
    expect(await trying(`/read?path=${other.endpoint}`)).toBe('EACCES');
    expect(await trying(`/list?path=${join(platform.dataDir, 'run/tenantuid010')}`)).toBe('EACCES');
    expect(await trying(`/read?path=/proc/${other.pid}/environ`)).toBe('EACCES');
  });

  asRoot('a task cannot plant code for other tenants: bundles and code cache are read-only for it', async () => {
    const cache = join(platform.dataDir, 'cache');
    const bundle = readdirSync(join(cache, 'bundles')).find((name) => name.startsWith('echo.')) ?? '';
    expect(await trying(`/write?path=${cache}/bundles/${bundle}`)).toBe('EACCES');
    expect(await trying(`/write?path=${cache}/bundles/new.cjs`)).toBe('EACCES');
    const folders = readdirSync(join(cache, 'code'));
    expect(folders.length).toBeGreaterThanOrEqual(5);
    for (const folder of folders) expect(await trying(`/write?path=${cache}/code/${folder}/x`)).toBe('EACCES');
    for (const file of readdirSync(join(cache, 'code', folders[0] ?? ''))) {
      expect(await trying(`/write?path=${cache}/code/${folders[0]}/${file}`)).toBe('EACCES');
    }
  });

  asRoot('a user id is never given to a second tenant', async () => {
    const gone = silo('tenantuid03');
    await deploy(platform.runtime, [gone]);
    const { uid } = await statusOf(platform.runtime, gone);
    await withdraw(platform.runtime, gone);
    await platform.runtime.data.delete('tenantuid03');
    expect(readdirSync(join(platform.dataDir, 'cache/code')).filter((name) => name.endsWith(`-${uid}`))).toEqual([]);
    const next = silo('tenantuid04');
    await deploy(platform.runtime, [next]);
    expect((await statusOf(platform.runtime, next)).uid).toBeGreaterThan(uid ?? 0);
  });

  asRoot('files that were created before tenants had their own user ids change owner', async () => {
    await platform.runtime.data.ensure('tenantuid05', 'premium');
    const folder = join(platform.dataDir, 'tenants/tenantuid05');
    chownSync(folder, 0, 0);
    writeFileSync(join(folder, 'echo.db'), 'x');
    const spec = silo('tenantuid05');
    await deploy(platform.runtime, [spec]);
    const { uid } = await statusOf(platform.runtime, spec);
    expect([statSync(folder).uid, statSync(join(folder, 'echo.db')).uid]).toEqual([uid, uid]);
  });

  asRoot('if a parent directory is closed to other users, all tasks share one user, and a note says so', async () => {
    const closed = newDataDir();
    try {
      const { mode } = statSync(closed);
      expect(mode & 0o077).toBe(0o011);
      const needs = { instance: 'probe-1', passable: [closed, '/nowhere'], readable: FIXTURES };
      const isolation = await probeIsolation(needs);
      expect(isolation.ownUsers).toBe(false);
      expect(isolation.notes).toEqual([expect.stringMatching(/one user: \/nowhere is closed/)]);
      await removeGroups(isolation.cpu);
    } finally {
      rmSync(closed, { recursive: true, force: true });
    }
  });

  asRoot('a platform that is not started as root serves too, and notes that all tasks share one user', async () => {
    const dataDir = newDataDir();
    chownSync(dataDir, 65_534, 65_534);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'stand-in.ts'), dataDir], {
      uid: 65_534,
      gid: 65_534,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    try {
      const standIn = await new Promise<StandIn>((resolve, reject) => {
        child.once('message', (message) => resolve(message as StandIn));
        child.once('exit', (code) => reject(new Error(`the stand-in ended with ${code}`)));
      });
      expect(standIn.ownUsers).toBe(false);
      expect(standIn.notes).toContain('all tasks run as one user: the platform was not started as root');
      expect(standIn.tasks.map((pid) => statSync(`/proc/${pid}`).uid)).toEqual(standIn.tasks.map(() => 65_534));
    } finally {
      child.kill('SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

test('TI-5: a task is limited to the CPU of its tier if cgroups are writable', async () => {
  const spec = silo('tenantcpu01', { size: { ...SIZE, cpu: 0.5 } });
  await deploy(platform.runtime, [spec]);
  const { pid, endpoint } = await taskOf(platform.runtime, spec);
  const { cpu, notes } = platform.runtime.isolation;
  if (cpu.kind === 'nice') {
    expect(notes.join()).toMatch(/CPU limits are not enforced/);
    return;
  }
  const { body } = await getFrom(endpoint, '/whoami');
  const group = join(cpu.root, groupOf(spec, body.task));
  expect(readFileSync(join(group, 'cgroup.procs'), 'utf8').trim()).toBe(String(pid));
  const quota = cpu.kind === 'cgroup-v1' ? '50000' : '50000 100000';
  expect(readFileSync(join(group, cpu.kind === 'cgroup-v1' ? 'cpu.cfs_quota_us' : 'cpu.max'), 'utf8').trim()).toBe(
    quota,
  );
  await withdraw(platform.runtime, spec);
  await until(() => !existsSync(group));
});

test('a machine that runs out of memory ends tasks before agents and platform', async () => {
  const spec = silo('tenantoom01');
  await deploy(platform.runtime, [spec]);
  const { pid } = await taskOf(platform.runtime, spec);
  expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe('500');
});

describe('pooled data', () => {
  test('ON-6: of one tenant are deleted past the first page, and those of a tenant whose id begins with the same characters stay', async () => {
    await deploy(platform.runtime, [pooled()]);
    const file = join(platform.dataDir, 'tenants/pool/orders.db');
    const table = openTable({ file, clock: systemClock });
    const row = (pk: string, sk: string) => put({ pk, sk, version: 1, data: {} });
    for (let page = 0; page < 12; page++) {
      await table.transact(Array.from({ length: 100 }, (_, n) => row('tenantrow01', `${page}-${n}`)));
    }
    await table.transact([row('tenantrow01#order', 'a'), row('tenantrow010', 'b'), row('tenantrow010#order', 'c')]);
    await table.close();

    expect(await platform.runtime.data.has('tenantrow01')).toBe(true);
    await platform.runtime.data.delete('tenantrow01');
    expect(await platform.runtime.data.has('tenantrow01')).toBe(false);
    expect(await platform.runtime.data.has('tenantrow010')).toBe(true);
    const after = openTable({ file, clock: systemClock });
    expect(await after.get({ pk: 'tenantrow010#order', sk: 'c' })).toBeDefined();
    await after.close();
  });
});

test('refuses a run directory that is too long for socket paths, with CONFIG', async () => {
  const runDir = join(platform.dataDir, 'x'.repeat(60));
  const options = { dataDir: platform.dataDir, runDir, servicesDir: FIXTURES, clock: systemClock, log: silentLog };
  await expect(createRuntime({ ...options, table: platform.table, instance: 'long-1' })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('48 bytes'),
  });
});
