import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readJson } from '../../bin/embedded/data-dir.ts';
import type { Running } from '../../bin/embedded/running.ts';
import { eventually } from './harness.ts';

/** The README's first page, taken at its word: `npm start`, then every command of the walk, one after the other. */
const ROOT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const WALK = [...README.matchAll(/```sh walk\n([\s\S]*?)```/g)].map(([, block = '']) => block);
const dataDir = mkdtempSync(join(tmpdir(), 'tp-readme-'));
const env = { ...process.env, TIERPLANE_DATA_DIR: dataDir };

let start: ChildProcess;
let output = '';

beforeAll(async () => {
  writeFileSync(join(dataDir, 'config.json'), JSON.stringify({ port: 0 }));
  start = spawn('npm', ['start'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  start.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await eventually('npm start is ready', () => output.includes('Tierplane is ready'), 60_000);
}, 70_000);

afterAll(async () => {
  const running = readJson<Running>(join(dataDir, 'running.json'));
  if (running) process.kill(running.pid, 'SIGTERM');
  if (start.exitCode === null && start.signalCode === null) await once(start, 'exit');
  rmSync(dataDir, { recursive: true, force: true });
}, 30_000);

test('DX-1: the README`s walk works from start to end, by its own commands', () => {
  const { urls } = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as Running;
  const script = WALK.join('\n').replaceAll('http://127.0.0.1:8080', urls.front);
  const walk = spawnSync('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env, encoding: 'utf8' });
  expect([walk.status, walk.stderr]).toEqual([0, expect.any(String)]);
  for (const words of [
    /acme +basic +active/,
    'Hooli is active (basic',
    'Umbrella is active (advanced',
    'Wayne is active (premium',
    '"message":"Tenant registration initiated"',
    '"tenant_id":"',
    '"sku":"COF-1"',
    '"total":{"amount":3780,"currency":"EUR"}',
    '{"data":[]}',
    'within 3 % of the plan',
    'Wayne is deleted',
    'the platform has stopped',
  ]) {
    expect(walk.stdout).toMatch(words);
  }
}, 120_000);
