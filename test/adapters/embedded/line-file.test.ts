import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { openLineFile } from '../../../adapters/embedded/line-file.ts';
import { until } from '../../support/until.ts';

const dir = mkdtempSync(join(tmpdir(), 'tp-lines-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

let count = 0;
const newFile = (): string => join(dir, `${count++}.log`);
const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`).join('');

const SOURCE = pathToFileURL(join(import.meta.dirname, '../../../adapters/embedded/line-file.ts')).href;

/** A process that logs to `output` and flushes the rest at its exit, as a service does. */
function run(code: string, output: number | 'pipe', flushMs = 60_000): ChildProcess {
  const program = `
    import { openLineFile } from '${SOURCE}';
    const log = openLineFile(1, { flushMs: ${flushMs} });
    process.on('exit', log.flushSync);
    ${code}
  `;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', output, 'ignore', 'ipc'] });
  children.push(child);
  return child;
}

/** Runs the process to its end. @returns its standard output, which is a file */
async function written(code: string, exitCode: number): Promise<string> {
  const file = newFile();
  const fd = openSync(file, 'a');
  const child = run(code, fd);
  closeSync(fd);
  expect(await once(child, 'exit')).toEqual([exitCode, null]);
  return readFileSync(file, 'utf8');
}

describe('openLineFile', () => {
  test('appends lines in order, to a file that only this user may read', async () => {
    const file = newFile();
    for (const half of [0, 10_000]) {
      const lines = openLineFile(file);
      for (let at = half; at < half + 10_000; at++) lines.write(`line ${at}\n`);
      await lines.close();
    }
    expect(readFileSync(file, 'utf8')).toBe(numbered(0, 20_000));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('writes a line soon, without waiting for another one or for close', async () => {
    const file = newFile();
    const lines = openLineFile(file, { flushMs: 1 });
    lines.write('first\n');
    await until(() => readFileSync(file, 'utf8') === 'first\n');
    lines.write('second\n');
    await until(() => readFileSync(file, 'utf8') === 'first\nsecond\n');
    await lines.close();
  });

  test('writes the lines that arrive while a batch is written', async () => {
    const file = newFile();
    const lines = openLineFile(file, { flushMs: 1 });
    const long = `${'x'.repeat(70_000)}\n`;
    lines.write(long);
    lines.write('after\n');
    await until(() => readFileSync(file, 'utf8') === `${long}after\n`);
    await lines.close();
  });

  test('drops and counts the lines beyond its limit', async () => {
    const file = newFile();
    const lines = openLineFile(file, { maxBuffered: 20 });
    for (let at = 0; at < 10; at++) lines.write(`line ${at}\n`);
    lines.flushSync();
    lines.write('again\n');
    await lines.close();
    const [dropped] = readFileSync(file, 'utf8').match(/^\{.*$/m) ?? [];
    expect(JSON.parse(dropped ?? '')).toEqual({ level: 'error', msg: '7 lines dropped' });
    expect(readFileSync(file, 'utf8').replace(`${dropped}\n`, '')).toBe(`${numbered(0, 3)}again\n`);
  });

  test('loses lines on a full disk, without any other effect', async () => {
    const lines = openLineFile('/dev/full', { flushMs: 1 });
    lines.write(`${'x'.repeat(70_000)}\n`);
    lines.write('lost\n');
    expect(() => lines.flushSync()).not.toThrow();
    await expect(lines.close()).resolves.toBeUndefined();
  });

  test('throws at once if the file cannot be opened', () => {
    const file = newFile();
    writeFileSync(file, '');
    expect(() => openLineFile(join(file, 'below'))).toThrow('ENOTDIR');
  });
});

describe('lines of a process that ends', () => {
  test('are written if they arrive just before process.exit', async () => {
    expect(await written(`log.write('one\\n'); log.write('two\\n'); process.exit(3);`, 3)).toBe('one\ntwo\n');
  });

  test('are written if a batch is under way at that moment', async () => {
    const code = `for (let at = 0; at < 20_000; at++) log.write('line ' + at + '\\n'); process.exit(0);`;
    const lines = (await written(code, 0)).split('\n');
    expect(new Set(lines)).toEqual(new Set(numbered(0, 20_000).split('\n')));
    expect(lines).toHaveLength(20_001);
  });

  test('are written if an uncaught error ends it', async () => {
    expect(await written(`log.write('last\\n'); throw new Error('unexpected');`, 1)).toBe('last\n');
  });

  test('are written if it ends by itself', async () => {
    expect(await written(`log.write('last\\n'); process.disconnect();`, 0)).toBe('last\n');
  });
});

describe('a non-blocking pipe', () => {
  const LINES = 200_000;
  /** More than a pipe holds. Node makes a process's standard output non-blocking when it is first used. */
  const FILL_PIPE = `process.stdout; for (let at = 0; at < ${LINES}; at++) log.write('line ' + at + '\\n');`;

  test('receives every line in order, however late it is read', async () => {
    const child = run(`process.on('message', () => 0); ${FILL_PIPE} process.send('written');`, 'pipe', 1);
    await once(child, 'message');
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await until(() => output.endsWith(`line ${LINES - 1}\n`));
    expect(output === numbered(0, LINES)).toBe(true);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('does not keep a process from ending if nobody reads it', async () => {
    const child = run(`${FILL_PIPE} process.exit(0);`, 'pipe', 1);
    expect(await once(child, 'exit')).toEqual([0, null]);
    child.stdout?.destroy();
  });
});
