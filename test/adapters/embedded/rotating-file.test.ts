import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { openLineFile } from '../../../adapters/embedded/line-file.ts';
import { RotatingFile } from '../../../adapters/embedded/rotating-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-rotate-'));
  path = join(folder, 'a.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = (file: string): string => readFileSync(file, 'utf8');

function sizes(): number[] {
  return readdirSync(folder).map((name) => statSync(join(folder, name)).size);
}

describe('OB-1: a log that is rotated as it is written', () => {
  test('keeps two old files, and whole writes together', async () => {
    const file = new RotatingFile(path, 10);
    for (const line of ['first 1\n', 'second\n', 'third 3\n', 'fourth\n', 'x\n']) await file.append(Buffer.from(line));
    await file.close();
    expect([path, `${path}.1`, `${path}.2`].map(text)).toEqual(['fourth\nx\n', 'third 3\n', 'second\n']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('never exceeds its bound, however much is written at once, and continues where it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(70), { maxLength: 40 }), async (lengths) => {
        const file = new RotatingFile(path, 32);
        await Promise.all(lengths.map((length) => file.append(Buffer.alloc(length, 120))));
        await file.close();
        expect(sizes().length).toBeLessThanOrEqual(3);
        for (const size of sizes()) expect(size).toBeLessThanOrEqual(32);
      }),
      { numRuns: 30 },
    );
  });

  test('follows a file that another process has rotated or deleted', async () => {
    const file = new RotatingFile(path, 10);
    await file.append(Buffer.from('12345678\n'));
    renameSync(path, join(folder, 'taken'));
    await file.append(Buffer.from('abcdefgh\n'));
    await file.close();
    expect([text(path), readdirSync(folder).sort()]).toEqual(['abcdefgh\n', ['a.log', 'taken']]);
  });

  test('is emptied if it cannot be renamed, so that it stays within its bound', async () => {
    mkdirSync(join(`${path}.1`, 'full'), { recursive: true });
    mkdirSync(join(`${path}.2`, 'full'), { recursive: true });
    const file = new RotatingFile(path, 10);
    for (const line of ['12345678\n', 'abcdefgh\n']) await file.append(Buffer.from(line));
    await file.close();
    expect(text(path)).toBe('abcdefgh\n');
  });

  test('loses later bytes after it is closed, and all bytes on a full disk', async () => {
    const file = new RotatingFile(path, 10);
    await file.close();
    expect(await file.append(Buffer.from('late'))).toBe(false);
    const full = new RotatingFile('/dev/full');
    expect(await full.append(Buffer.from('lost'))).toBe(false);
    await full.close();
  });

  test('bounds the lines of a flood, and counts those that were dropped', async () => {
    const lines = openLineFile(path, { largestBytes: 100_000, maxBuffered: 50_000 });
    for (let i = 0; i < 20_000; i++) {
      lines.write(`${'x'.repeat(99)}\n`);
      if (i % 500 === 0) await new Promise(setImmediate);
    }
    await lines.close();
    for (const size of sizes()) expect(size).toBeLessThanOrEqual(150_000);
    expect(sizes().length).toBeLessThanOrEqual(3);
  });
});
