import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { eventually, isAlive, LAUNCHER, runCli, TestPlatform } from './harness.ts';

/** A start must refuse what is broken, and must not damage it further. */
const folders: string[] = [];
const platforms: TestPlatform[] = [];
afterEach(async () => {
  for (const platform of platforms.splice(0)) await platform.dispose();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}, 30_000);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tp-start-'));
  folders.push(path);
  return path;
}

function up(dataDir: string, ...args: string[]) {
  return runCli(['up', '--json', '--no-demo', '--data-dir', dataDir, '--port', '0', ...args]);
}

describe('a start that cannot succeed reports why, in one sentence and by exit code', () => {
  test('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    try {
      const result = await up(folder(), '--port', String(port));
      expect(result.code).toBe(78);
      expect(result.stderr).toContain(`127.0.0.1:${port}`);
      expect(result.stderr).toContain('--port');
    } finally {
      taken.close();
    }
  });

  test('a data directory that cannot be created', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'in the way');
    const result = await up(join(file, 'data'));
    expect(result.code).toBe(73);
    expect(result.stderr).toContain(join(file, 'data'));
  });

  test('a data directory in which no folder can be created', async () => {
    const result = await up('/proc/tierplane/data');
    expect([result.code, result.stdout]).toEqual([73, expect.stringContaining('/proc/tierplane/data is not')]);
  });

  test('a configuration with errors: all of them, each with its path', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'config.json'),
      JSON.stringify({ port: 'x', colour: 'blue', tiers: { basic: { usagePlan: { rate: -1 } } } }),
    );
    const result = await runCli(['up', '--data-dir', dir]);
    expect(result.code).toBe(78);
    for (const path of ['port', 'colour', 'tiers.basic.usagePlan.rate']) expect(result.stderr).toContain(path);
  });

  test('a configuration that is not JSON', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'config.json'), '{ port: ');
    const result = await up(dir);
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('config.json');
  });

  test('a store of a newer version, which is not changed', async () => {
    const dir = folder();
    const db = new DatabaseSync(join(dir, 'platform.db'));
    db.exec('PRAGMA user_version = 9999; CREATE TABLE future (x); INSERT INTO future VALUES (1)');
    db.close();
    const before = readFileSync(join(dir, 'platform.db'));
    const result = await up(dir);
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('9999');
    expect(readFileSync(join(dir, 'platform.db')).equals(before)).toBe(true);
  });

  test('a damaged store, which is not changed', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'platform.db'), 'this is no database, and long enough to be looked at as one'.repeat(40));
    const result = await up(dir);
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('platform.db');
  });

  test('a second platform in the same directory', async () => {
    const platform = new TestPlatform();
    platforms.push(platform);
    const { urls } = await platform.start();
    const result = await up(platform.dataDir);
    expect(result.code).toBe(78);
    expect(result.stderr).toContain(urls.publicUrl);
    const reset = await runCli(['reset', '--yes', '--data-dir', platform.dataDir]);
    const down = `npx tierplane --data-dir ${platform.dataDir} down`;
    expect(result.stderr).toContain(down);
    expect([reset.code, reset.stderr]).toEqual([4, expect.stringContaining(down)]);
    expect((await fetch(`${urls.publicUrl}/healthz`)).status).toBe(200);
  }, 30_000);

  test('commands without a platform', async () => {
    const result = await runCli(['tenants', 'list', '--data-dir', folder()]);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('no platform runs');
  });

  test('a reset of a directory that is not a data directory, or of a running platform', async () => {
    const foreign = folder();
    mkdirSync(join(foreign, 'photos'));
    const result = await runCli(['reset', '--yes', '--data-dir', foreign]);
    expect(result.code).toBe(4);
    expect(() => chmodSync(join(foreign, 'photos'), 0o700)).not.toThrow();
  });
});

describe('a start that fails after the platform has begun', () => {
  test('ends with an error and with every process, and leaves the lock to the next start', async () => {
    const dir = folder();
    // The platform runs when it finds that it cannot describe itself.
    mkdirSync(join(dir, 'running.json'));
    const result = await up(dir);
    expect([result.code, result.stdout]).toEqual([1, expect.stringContaining('"error"')]);
    const { id } = JSON.parse(readFileSync(join(dir, 'instance.json'), 'utf8')) as { id: string };
    expect(markedProcesses(id)).toEqual([]);
    rmSync(join(dir, 'running.json'), { recursive: true });
    const platform = new TestPlatform({ dataDir: dir });
    platforms.push(platform);
    await platform.start();
  }, 60_000);

  test.each([[['lock.db']], [['lock.json']], [['lock.db', 'lock.json', 'running.json', 'processes', 'run']]])(
    'and a second start fails while the platform runs, even without %j',
    async (names) => {
      const platform = new TestPlatform();
      platforms.push(platform);
      const { urls } = await platform.start();
      for (const name of names) rmSync(join(platform.dataDir, name), { recursive: true });
      expect((await up(platform.dataDir)).code).toBe(78);
      expect((await fetch(`${urls.publicUrl}/healthz`)).status).toBe(200);
    },
    30_000,
  );
});

describe('a data directory with an odd path', () => {
  test.each([
    ['a long name', 'a-rather-long-name-for-a-directory'.repeat(4)],
    ['spaces, quotes and letters of everywhere', "it's a name, ünd 日本 $HOME"],
  ])(
    'works: %s',
    async (_what, name) => {
      const dataDir = join(folder(), name);
      mkdirSync(dataDir, { recursive: true });
      const platform = new TestPlatform({ dataDir });
      platforms.push(platform);
      await platform.start();
      const tenant = await platform.onboard('Deep', 'advanced');
      const token = await platform.tenantToken('Deep', tenant.email);
      expect((await platform.api('GET', '/products', token)).status).toBe(200);
    },
    60_000,
  );
});

describe('a copy of a data directory', () => {
  test('runs beside the original, and its start ends no process of the original', async () => {
    const original = new TestPlatform();
    platforms.push(original);
    await original.start();
    const { email } = await original.onboard('Twin', 'premium');
    await original.stop();
    const dataDir = folder();
    cpSync(original.dataDir, dataDir, { recursive: true });
    await original.start();
    const served = async (platform: TestPlatform) => {
      const token = await platform.tenantToken('Twin', email);
      return (await platform.api('GET', '/products', token)).status === 200;
    };
    await eventually('the original serves', () => served(original), 30_000);
    // The copy includes the record of processes, because the original may be running.
    cpSync(join(original.dataDir, 'processes'), join(dataDir, 'processes'), { recursive: true });
    const processes = await pidsOf(original);

    const copy = new TestPlatform({ dataDir });
    platforms.push(copy);
    await copy.start();
    await eventually('the copy serves', () => served(copy).catch(() => false), 30_000);
    expect(processes.filter((pid) => !isAlive(pid))).toEqual([]);
    expect(await pidsOf(original)).toEqual(processes);
  }, 90_000);
});

async function pidsOf(platform: TestPlatform): Promise<number[]> {
  const services = await platform.cliJson<ServiceStatus[]>('services', 'list');
  return services.flatMap(({ tasks }) => tasks.map(({ pid }) => pid)).sort();
}

describe("Ctrl-C, which reaches every process of the terminal's foreground group", () => {
  test.each([
    ['while the platform starts', '/logs/gateway-process.log', ['--no-demo']],
    ['while the demo is made', '/demo.json', []],
  ])(
    '%s ends it in order, and the next start is a whole one',
    async (_when, sign, args) => {
      const dataDir = folder();
      const child = spawn(LAUNCHER, ['up', '--data-dir', dataDir, '--port', '0', ...args], {
        detached: true,
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await eventually(sign, () => existsSync(`${dataDir}${sign}`), 120_000);
      process.kill(-(child.pid as number), 'SIGINT');
      expect(await ended).toEqual([0, null]);
      const { id } = JSON.parse(readFileSync(join(dataDir, 'instance.json'), 'utf8')) as { id: string };
      expect(markedProcesses(id)).toEqual([]);
      expect(existsSync(join(dataDir, 'run'))).toBe(false);

      const platform = new TestPlatform({ dataDir, args });
      platforms.push(platform);
      await platform.start();
      const demo = args.length === 0 ? ['acme', 'globex', 'initech'] : [];
      const tenants = await platform.cliJson<{ tenantName: string; state: string }[]>('tenants', 'list');
      expect(tenants).toEqual(demo.map((tenantName) => expect.objectContaining({ tenantName, state: 'active' })));
    },
    300_000,
  );
});

function markedProcesses(instance: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'utf8').includes(instance);
    } catch {
      return false;
    }
  });
}

describe('the launcher', () => {
  test('works through links and from another directory', () => {
    const dir = folder();
    symlinkSync(LAUNCHER, join(dir, 'first'));
    symlinkSync('first', join(dir, 'second'));
    const { status, stdout } = spawnSync('./second', ['--help'], { cwd: dir, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: tierplane');
  });

  test('names itself by its path in messages where npx would not find it', () => {
    const dir = realpathSync(folder());
    const errorsOf = (...args: string[]) => spawnSync(LAUNCHER, args, { cwd: dir, encoding: 'utf8' }).stderr;
    expect(errorsOf('nonsense')).toContain(`\`${realpathSync(LAUNCHER)} --help\``);
    expect(errorsOf('status')).toContain(`\`${realpathSync(LAUNCHER)} --data-dir ${dir}/.tierplane up\``);
    expect(errorsOf('status', '--data-dir', '/nowhere')).not.toContain('npx');
  });

  test('reports which Node it needs if it finds only an older one', () => {
    const dir = bareInstall();
    writeFileSync(join(dir, 'path', 'node'), '#!/bin/sh\necho v20.11.0\n', { mode: 0o755 });
    expect(launch(dir)).toMatchObject({ status: 78, stderr: expect.stringContaining('or newer, found v20.11.0.\n') });
  });

  test('reports which Node it needs if it finds none', () => {
    expect(launch(bareInstall())).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('or newer, found none.\n'),
    });
  });

  test('and every script, in a clone without packages, report how to install them', () => {
    const dir = bareInstall();
    rmSync(join(dir, 'node_modules'), { recursive: true });
    mkdirSync(join(dir, 'scripts'));
    for (const name of ['build.ts', 'check-node.js'])
      copyFileSync(join(LAUNCHER, '..', '..', 'scripts', name), join(dir, 'scripts', name));
    expect(launch(dir)).toMatchObject({
      status: 78,
      stderr: expect.stringMatching(/^.*run 'npm ci' in .* first\.\n$/),
    });
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    const check = spawnSync(process.execPath, [join(dir, 'scripts', 'check-node.js')], { encoding: 'utf8' });
    expect(check).toMatchObject({ status: 78, stderr: expect.stringMatching(/^.*run `npm ci` first\.\n$/) });
  });
});

/** An installation without a Node, and a folder `path` that contains only what the launcher calls. */
function bareInstall(): string {
  const dir = realpathSync(folder());
  for (const name of ['bin', 'path', 'node_modules']) mkdirSync(join(dir, name), { recursive: true });
  copyFileSync(LAUNCHER, join(dir, 'bin', 'tierplane'));
  for (const tool of ['sh', 'dirname', 'readlink']) symlinkSync(`/usr/bin/${tool}`, join(dir, 'path', tool));
  return dir;
}

function launch(dir: string) {
  return spawnSync(join(dir, 'bin', 'tierplane'), ['status'], { env: { PATH: join(dir, 'path') }, encoding: 'utf8' });
}
