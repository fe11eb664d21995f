import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAccountFolder, removeAbandonedAccounts } from '../../rehearsal/account-files.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tierplane-files-'));
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

interface Owner {
  readonly pid: number;
  readonly start: string;
}

/** Whether the account of the process is still there after the clean-up. @param owned what is recorded instead of this process */
function isKept(owned: (self: Owner) => Partial<Owner>): boolean {
  const folder = createAccountFolder(1, scratch);
  const file = join(folder, 'process.json');
  const self = JSON.parse(readFileSync(file, 'utf8')) as Owner;
  writeFileSync(file, JSON.stringify({ ...self, ...owned(self) }));
  removeAbandonedAccounts(scratch);
  return existsSync(folder);
}

test('the account of a running process is kept', () => {
  expect(isKept(() => ({}))).toBe(true);
});

test('the account of a process that has ended is removed', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  expect(isKept(() => ({ pid }))).toBe(false);
});

test('the account of an earlier process with the same pid is removed, also if both started equally long after a boot', () => {
  expect(isKept(({ start }) => ({ start: `${start}0` }))).toBe(false);
  const anotherBoot = '00000000-0000-4000-8000-000000000000';
  expect(isKept(({ start }) => ({ start: start.replace(/^[^/]+/, anotherBoot) }))).toBe(false);
});

const HOUR_MS = 3_600_000;

test.each<[string, string, string]>([
  ['a record of an earlier version', 'owner.json', '{"pid":1,"startTime":"1","port":1}'],
  ['a record that was cut while it was written', 'process.json', '{"pid":'],
  ['no record', 'other', ''],
  ['a process whose start is not known', 'process.json', '{"pid":1,"port":1}'],
])('an account with %s is removed a day after its folder has changed, and not before', (_what, file, text) => {
  const folder = mkdtempSync(join(scratch, 'tierplane-aws-'));
  writeFileSync(join(folder, file), text);
  removeAbandonedAccounts(scratch, Date.now() + 23 * HOUR_MS);
  expect(existsSync(folder)).toBe(true);
  removeAbandonedAccounts(scratch, Date.now() + 25 * HOUR_MS);
  expect(existsSync(folder)).toBe(false);
});
