import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ProcessLog } from '../../../adapters/embedded/process-log.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-process-log-'));
  path = join(folder, 'orders.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('OB-1: the output of several tasks is written in whole lines, also the last one without a line end', async () => {
  const log = new ProcessLog(path);
  log.copy(Readable.from([Buffer.from('one\ntw'), Buffer.from('o\nend')]));
  log.copy(Readable.from([Buffer.from('a long '), Buffer.from('line\n')]));
  log.copy(null);
  await log.close();
  expect(readFileSync(path, 'utf8').split('\n').sort()).toEqual(['a long line', 'end', 'one', 'two'].sort());
});

test('OB-1: a task that prints without end fills no more than three files, and waits for the disk', async () => {
  const log = new ProcessLog(path, 200_000);
  const task = spawn(process.execPath, ['-e', `for (let i = 0; i < 50_000; i++) console.log('x'.repeat(100))`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  log.copy(task.stdout);
  log.copy(task.stderr);
  await new Promise((resolve) => task.once('close', resolve));
  await log.close();
  expect(readdirSync(folder).sort()).toEqual(['orders.log', 'orders.log.1', 'orders.log.2']);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(200_000);
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  expect(lines.every((line) => line === 'x'.repeat(100))).toBe(true);
});

test('OB-1: a line that never ends is written in pieces', async () => {
  const log = new ProcessLog(path, 200_000);
  log.copy(Readable.from([Buffer.alloc(60_000, 97), Buffer.alloc(60_000, 98), Buffer.from('c\n')]));
  await log.close();
  expect(statSync(path).size).toBe(120_002);
});

test('OB-1: a task runs although its log cannot be opened', async () => {
  const log = new ProcessLog('/nowhere/orders.log');
  log.copy(Readable.from([Buffer.from('lost\n')]));
  await expect(log.close()).resolves.toBeUndefined();
});
