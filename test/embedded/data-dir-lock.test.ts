import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startOf } from '../../adapters/embedded/runtime/supervisor/process-info.ts';
import { type DataDir, dataDirAt } from '../../embedded/data-dir.ts';
import { type DataDirLock, lockDataDir } from '../../embedded/data-dir-lock.ts';
import { instanceOf, placeOf } from '../../embedded/instance.ts';
import { ensureOperatorToken } from '../../embedded/operator-token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { silentLog } from '../support/silent-log.ts';

let dir: DataDir;
const children: ChildProcess[] = [];
const locks: DataDirLock[] = [];

beforeEach(() => {
  dir = dataDirAt(mkdtempSync(join(tmpdir(), 'tp-lock-')));
});
afterEach(() => {
  for (const lock of locks.splice(0)) lock.release();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir.root, { recursive: true, force: true });
});

/** Another process that tries to lock the directory, and stays. @returns whether it holds the lock */
async function otherLocks(instance?: string): Promise<{ child: ChildProcess; isLocked: boolean }> {
  const entry = join(import.meta.dirname, 'lock-holder.ts');
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--expose-gc',
    entry,
    dir.root,
    ...(instance ? [instance] : []),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  children.push(child);
  const [isLocked] = (await once(child, 'message')) as [boolean];
  return { child, isLocked };
}

function lock(): DataDirLock | undefined {
  const taken = lockDataDir(dir);
  if (taken) locks.push(taken);
  return taken;
}

describe('the lock on a data directory', () => {
  test('belongs to one process, also after its holder has dropped every reference and collected garbage', async () => {
    expect((await otherLocks()).isLocked).toBe(true);
    expect(lock()).toBeUndefined();
    expect((await otherLocks()).isLocked).toBe(false);
  });

  test('ends with its process, however that ends', async () => {
    const { child } = await otherLocks();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(lock()).toBeDefined();
  });

  test.each<[string, () => void]>([
    ['deleted', () => rmSync(dir.lock)],
    [
      'replaced',
      () => {
        rmSync(dir.lock);
        writeFileSync(dir.lock, '');
      },
    ],
    ['moved away', () => renameSync(dir.lock, `${dir.lock}.old`)],
    [
      'replaced by a copy',
      () => {
        copyFileSync(dir.lock, `${dir.lock}.copy`);
        renameSync(`${dir.lock}.copy`, dir.lock);
      },
    ],
  ])('is still held after the lock file was %s', async (_what, change) => {
    expect((await otherLocks()).isLocked).toBe(true);
    change();
    expect(lock()).toBeUndefined();
  });

  test('is still held after every file about it was deleted, because the platform has processes', async () => {
    const { child } = await otherLocks('instance-1');
    for (const path of [dir.lock, dir.lockHolder]) rmSync(path);
    expect(lock()).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(lock()).toBeDefined();
  });

  test.each<[string, () => string]>([
    ['a process with a reused pid', () => record('earlier')],
    ['a process before the last boot', () => record(afterBoot('another-boot'))],
    ['the holder of the directory that this one was copied from', () => record(startOf(process.ppid), '1:2')],
    ['no process', () => '{}'],
    ['nothing, because it is damaged', () => '{"pid":'],
    ['nothing, because it is empty', () => ''],
  ])('can be taken if its record names %s', (_what, text) => {
    writeFileSync(dir.lockHolder, text());
    expect(lock()).toBeDefined();
  });

  test.each([
    ['is damaged', '{"id":'],
    ['is empty', ''],
    ['is null', 'null'],
    ['is a list', '[1]'],
    ['has no id', '{"place":"1:2"}'],
    ['has an empty id', '{"id":"","place":"1:2"}'],
    ['has a number as its id', '{"id":12345678}'],
    ['has an id that is a part of others', '{"id":"a"}'],
    ['has an id of other characters', '{"id":"\\u0000=........"}'],
  ])('is refused while instance.json %s, because processes are ended by the id in it', (_what, text) => {
    writeFileSync(dir.instance, text);
    expect(() => instanceOf(dir)).toThrow(dir.instance);
    expect(lock).toThrow(expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining(dir.instance) }));
  });

  test('names the directory that stands in the place of a file', () => {
    mkdirSync(dir.instance);
    expect(lock).toThrow(`${dir.instance} must be a file, but it is a directory`);
  });

  test("replaces an operator's token in admin.json that could be guessed", () => {
    for (const operatorToken of ['', 'x', 'x'.repeat(31), 5, null]) {
      writeFileSync(dir.admin, JSON.stringify({ email: 'a@b.example', operatorToken }));
      expect(ensureOperatorToken(dir)).toMatch(/^[\w-]{32}$/);
    }
    const kept = ensureOperatorToken(dir);
    expect(ensureOperatorToken(dir)).toBe(kept);
  });

  test('cannot be taken if its record names a living process', () => {
    writeFileSync(dir.lockHolder, record(startOf(process.ppid)));
    expect(lock()).toBeUndefined();
  });

  test('moves to the new file when a running platform loses its lock file, so that no other process can take it', async () => {
    const clock = new ManualClock();
    let isLost = false;
    lock()?.watch({ clock, log: silentLog, lost: () => (isLost = true) });
    for (const remove of [dir.lock, dir.lockHolder]) rmSync(remove);
    clock.advance(1_000);
    rmSync(dir.lockHolder);
    expect([isLost, (await otherLocks()).isLocked]).toEqual([false, false]);
  });

  test('is reported as lost when another process holds the new file', async () => {
    const clock = new ManualClock();
    let isLost = false;
    lock()?.watch({ clock, log: silentLog, lost: () => (isLost = true) });
    for (const path of [dir.lock, dir.lockHolder]) rmSync(path);
    expect((await otherLocks()).isLocked).toBe(true);
    clock.advance(1_000);
    expect(isLost).toBe(true);
  });
});

/** A record that names the parent process, which lives. */
function record(start: string | undefined, place = placeOf(dir.root)): string {
  return JSON.stringify({ pid: process.ppid, start, place });
}

/** The parent's start time, as of another boot. */
function afterBoot(boot: string): string {
  return `${boot}/${startOf(process.ppid)?.split('/')[1]}`;
}
