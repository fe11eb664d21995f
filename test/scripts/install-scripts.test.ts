import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { copyOfTree, type TreeCopy } from '../support/tree-copy.ts';

/** Folders of the machine itself: `npm test` puts this repository's Node first. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

let copy: TreeCopy;
beforeAll(() => {
  copy = copyOfTree({ packages: false });
});
afterAll(() => copy?.remove(), 60_000);

function npm(...args: readonly string[]) {
  const env = { PATH, HOME: process.env.HOME };
  const { status, stderr } = spawnSync('npm', args, { cwd: copy.path, env, encoding: 'utf8' });
  return { status, stderr };
}

test('DX-8: the build works where npm runs no install script of a package', () => {
  expect(npm('ci', '--ignore-scripts', '--prefer-offline')).toMatchObject({ status: 0 });
  expect(npm('run', '--silent', 'build')).toMatchObject({ status: 0 });
  expect(existsSync(join(copy.path, 'dist', 'tierplane.cjs'))).toBe(true);
}, 300_000);
