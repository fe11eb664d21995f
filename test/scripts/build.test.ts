import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyOfTree, type TreeCopy } from '../support/tree-copy.ts';

describe('npm run build', () => {
  let copy: TreeCopy;

  beforeAll(() => {
    copy = copyOfTree();
  });

  afterAll(() => copy.remove());

  function build(...args: string[]): { status: number | null; stderr: string } {
    return spawnSync(process.execPath, [join(copy.path, 'scripts', 'build.ts'), ...args], { encoding: 'utf8' });
  }

  const timeOf = (file: string) => statSync(join(copy.path, 'dist', file)).mtimeMs;

  test('makes every bundle, and with --if-stale nothing if no source has changed', () => {
    expect(build('--if-stale')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^built tierplane \d+ KB, /),
    });
    const before = timeOf('tierplane.cjs');
    expect(build('--if-stale')).toMatchObject({ status: 0, stderr: '' });
    expect(timeOf('tierplane.cjs')).toBe(before);
  }, 60_000);

  test('replaces only the bundles that a changed source is part of', () => {
    const [tierplane, orders] = [timeOf('tierplane.cjs'), timeOf('services/orders.cjs')];
    appendFileSync(join(copy.path, 'cli', 'exit-codes.ts'), "\nprocess.title = 'changed';\n");
    expect(build('--if-stale')).toMatchObject({ status: 0, stderr: expect.stringContaining('built ') });
    expect(timeOf('tierplane.cjs')).toBeGreaterThan(tierplane);
    expect(timeOf('services/orders.cjs')).toBe(orders);
  }, 60_000);

  test('removes the bundle of a service that no longer exists', () => {
    writeFileSync(join(copy.path, 'dist', 'services', 'gone.cjs'), '');
    build();
    expect(() => timeOf('services/gone.cjs')).toThrow('ENOENT');
  }, 60_000);

  test('keeps the last build, prints the error and exits with 1 if a source cannot be parsed', () => {
    const before = readFileSync(join(copy.path, 'dist', 'gateway.cjs'));
    writeFileSync(join(copy.path, 'app-plane', 'gateway', 'server.ts'), 'const broken = ;\n');
    const { status, stderr } = build('--if-stale');
    expect([status, stderr]).toEqual([1, expect.stringContaining('app-plane/gateway/server.ts:1:15')]);
    expect(stderr).toMatch(/build failed\n$/);
    expect(readFileSync(join(copy.path, 'dist', 'gateway.cjs'))).toEqual(before);
    rmSync(join(copy.path, 'dist'), { recursive: true });
    expect(build('--if-stale').status).toBe(1);
  }, 60_000);
});
