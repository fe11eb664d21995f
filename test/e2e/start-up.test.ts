import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from '@jest/globals';
import { runCli, TestPlatform } from './harness.ts';

/** What a start must not do: begin with something broken, or break it further. */
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

describe('a start that cannot succeed says why, in one sentence and by exit code', () => {
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

  test('a data directory that cannot be made', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'in the way');
    const result = await up(join(file, 'data'));
    expect(result.code).toBe(73);
    expect(result.stderr).toContain(join(file, 'data'));
  });

  test('a data directory where no folder can be made', async () => {
    const result = await up('/proc/tierplane/data');
    expect([result.code, result.stdout]).toEqual([73, expect.stringContaining('/proc/tierplane/data is not')]);
  });

  test('a configuration with faults: all of them, each with its path', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'config.json'),
      JSON.stringify({ port: 'x', colour: 'blue', tiers: { basic: { usagePlan: { rate: -1 } } } }),
    );
    const result = await runCli(['up', '--data-dir', dir]);
    expect(result.code).toBe(78);
    for (const path of ['port', 'colour', 'tiers.basic.usagePlan.rate']) expect(result.stderr).toContain(path);
  });

  test('a configuration that is no JSON', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'config.json'), '{ port: ');
    const result = await up(dir);
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('config.json');
  });

  test('a store of a newer version, which is left as it was', async () => {
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

  test('a damaged store, which is left as it was', async () => {
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
    expect(result.stderr).toContain(urls.front);
    expect((await fetch(`${urls.front}/healthz`)).status).toBe(200);
  }, 30_000);

  test('commands without a platform', async () => {
    const result = await runCli(['tenants', 'list', '--data-dir', folder()]);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('no platform runs');
  });

  test('a reset of a directory that is not ours, or of a running platform', async () => {
    const foreign = folder();
    mkdirSync(join(foreign, 'photos'));
    const result = await runCli(['reset', '--yes', '--data-dir', foreign]);
    expect(result.code).toBe(4);
    expect(() => chmodSync(join(foreign, 'photos'), 0o700)).not.toThrow();
  });
});

describe('a data directory with a long path', () => {
  test('works, though socket paths are short', async () => {
    const dataDir = join(folder(), 'a-rather-long-name-for-a-directory'.repeat(4));
    mkdirSync(dataDir, { recursive: true });
    const platform = new TestPlatform({ dataDir });
    platforms.push(platform);
    await platform.start();
    const tenant = await platform.onboard('Deep', 'advanced');
    const token = await platform.tenantToken('Deep', tenant.email);
    expect((await platform.api('GET', '/products', token)).status).toBe(200);
  }, 60_000);
});
