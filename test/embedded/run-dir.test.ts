import { existsSync, lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_RUN_DIR_BYTES } from '../../adapters/embedded/runtime/supervisor/socket-path.ts';
import { dataDirAt, prepareRunDir } from '../../embedded/data-dir.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tp-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** A data directory whose `run` folder has a path of `bytes` bytes. */
function dirWithRunDirOf(bytes: number) {
  const root = join(base, 'd'.repeat(bytes - base.length - '//run'.length));
  mkdirSync(root);
  return dataDirAt(root);
}

describe('prepareRunDir', () => {
  test('creates the directory in the data directory if socket paths fit', () => {
    const dir = dirWithRunDirOf(MAX_RUN_DIR_BYTES);
    const run = prepareRunDir(dir);
    expect(run.path).toBe(join(dir.root, 'run'));
    expect(statSync(run.path).mode & 0o777).toBe(0o711);
    run.remove();
    expect(existsSync(run.path)).toBe(false);
  });

  test('creates a link to a short temporary directory if they do not fit', () => {
    const dir = dirWithRunDirOf(MAX_RUN_DIR_BYTES + 1);
    const run = prepareRunDir(dir);
    expect(Buffer.byteLength(run.path)).toBeLessThanOrEqual(MAX_RUN_DIR_BYTES);
    expect(readlinkSync(join(dir.root, 'run'))).toBe(run.path);
    run.remove();
    expect(lstatSync(join(dir.root, 'run'), { throwIfNoEntry: false })).toBeUndefined();
    expect(existsSync(run.path)).toBe(false);
  });

  test('removes the temporary directory that a killed run left behind', () => {
    const dir = dirWithRunDirOf(MAX_RUN_DIR_BYTES + 1);
    const killed = prepareRunDir(dir);
    const next = prepareRunDir(dir);
    expect(existsSync(killed.path)).toBe(false);
    next.remove();
  });
});
