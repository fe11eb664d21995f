import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Bundles } from '../../../../adapters/embedded/runtime/supervisor/bundles.ts';

const FIXTURES = join(import.meta.dirname, '../../../fixtures/services');

const cache = mkdtempSync(join(tmpdir(), 'bundles-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const compiled = (): string[] =>
  readdirSync(join(cache, 'code')).flatMap((folder) => readdirSync(join(cache, 'code', folder)));

test('a bundle gets one trial run for its code cache, and another one if a start was killed during it', async () => {
  const copy = await new Bundles(FIXTURES, cache).find('echo', {});
  expect(compiled()).toHaveLength(1);
  expect(readdirSync(join(cache, 'trials'))).toEqual([]);

  rmSync(join(cache, 'code'), { recursive: true });
  expect(await new Bundles(FIXTURES, cache).find('echo', {})).toBe(copy);
  expect(compiled()).toEqual([]);

  mkdirSync(join(cache, 'trials', 'echo'));
  writeFileSync(join(cache, 'trials', 'echo', 'trial.sock'), '');
  expect(await new Bundles(FIXTURES, cache).find('echo', {})).toBe(copy);
  expect(compiled()).toHaveLength(1);
  expect(existsSync(join(cache, 'trials', 'echo'))).toBe(false);
});
