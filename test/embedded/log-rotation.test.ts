import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { rotateLogs } from '../../embedded/log-rotation.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'tp-logs-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('OB-1: a log over 10 MB is rotated, at most two old files are kept, and a small log is not changed', async () => {
  const clock = new ManualClock();
  const big = join(folder, 'gateway.log');
  writeFileSync(join(folder, 'small.log'), 'a line\n');
  const rotation = rotateLogs(folder, clock);
  for (const round of ['first', 'second', 'third']) {
    appendFileSync(big, `${round}\n${'x'.repeat(11 * 2 ** 20)}`);
    await until(() => {
      clock.advance(5_000);
      return statSync(big).size === 0;
    });
  }
  await rotation.close();
  expect(readdirSync(folder).sort()).toEqual(['gateway.log', 'gateway.log.1', 'gateway.log.2', 'small.log']);
  expect(readFileSync(`${big}.1`, 'utf8').slice(0, 6)).toBe('third\n');
  expect(readFileSync(join(folder, 'small.log'), 'utf8')).toBe('a line\n');
});
