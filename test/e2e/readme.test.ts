import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readJson } from '../../embedded/data-dir.ts';
import type { Running } from '../../embedded/running.ts';
import { blocksOf } from '../support/doc-commands.ts';
import { eventually, runCli } from './harness.ts';

/** Runs the README: `npm start`, then every command of the walk, in order. */
const ROOT = join(import.meta.dirname, '..', '..');
const BLOCKS = blocksOf('README.md');
const dataDir = mkdtempSync(join(tmpdir(), 'tp-readme-'));
const env = { ...process.env, TIERPLANE_DATA_DIR: dataDir };

let start: ChildProcess;
/** The output of `npm start`, and of the walk. */
let output = '';
let walked = '';

async function npmStart(): Promise<void> {
  output = '';
  start = spawn('npm', ['start'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [start.stdout, start.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await eventually('npm start is ready', () => output.includes('Ctrl-C stops it'), 60_000);
}

beforeAll(async () => {
  writeFileSync(join(dataDir, 'config.json'), JSON.stringify({ port: 0 }));
  await npmStart();
}, 70_000);

afterAll(async () => {
  const running = readJson<Running>(join(dataDir, 'running.json'));
  if (running) process.kill(running.pid, 'SIGTERM');
  if (start.exitCode === null && start.signalCode === null) await once(start, 'exit');
  rmSync(dataDir, { recursive: true, force: true });
}, 30_000);

test("DX-1: the commands of the README's walk work from start to end", () => {
  const { urls } = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as Running;
  const commands = BLOCKS.filter(({ info }) => info === 'sh walk').map(({ text }) => text);
  const script = `exec 2>&1\n${commands.join('\n')}`.replaceAll('http://127.0.0.1:8080', urls.publicUrl);
  const walk = spawnSync('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env, encoding: 'utf8' });
  walked = walk.stdout;
  expect([walk.status, walked]).toEqual([0, expect.any(String)]);
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
    expect(walked).toMatch(words);
  }
}, 120_000);

test('DX-1: the README shows what its commands print', () => {
  const printed = new Set(comparable(`${output}\n${walked}`));
  const shown = BLOCKS.filter(({ info }) => info === 'text').flatMap(({ text }) => comparable(text));
  expect(shown.length).toBeGreaterThan(40);
  expect(shown.filter((line) => !printed.has(line))).toEqual([]);
});

test('DX-1: a restart keeps all data, and a reset deletes it', async () => {
  if (start.exitCode === null) await once(start, 'exit');
  await npmStart();
  const tenants = await runCli(['tenants', 'list', '--json'], { TIERPLANE_DATA_DIR: dataDir });
  const names = (JSON.parse(tenants.stdout) as { tenantName: string }[]).map(({ tenantName }) => tenantName);
  expect(names).toEqual(['acme', 'globex', 'Hooli', 'initech', 'Pied Piper', 'Stark', 'Umbrella']);
  for (const command of [['down'], ['reset', '--yes']]) {
    expect((await runCli(command, { TIERPLANE_DATA_DIR: dataDir })).code).toBe(0);
  }
  expect(existsSync(dataDir)).toBe(false);
}, 90_000);

/** Lines without what differs between runs and machines: ids, numbers, times, passwords, tokens and paths. */
function comparable(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/\b[0-9a-z]{26}\b/g, 'ID')
        .replace(/\btoken=\S+/, 'token=TOKEN')
        .replace(/--data-dir \S+ /, '')
        .replace(/^(password|data) +.*/, '$1')
        .replace(/\d+ MiB/, '')
        .replace(/-?\d+([.,/:]\d+)*/g, 'N')
        .replace(/\bN m?s\b/g, 'N s')
        // If the test does not run as root, all tasks share one uid.
        .replace(/\bshared$/, 'N')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && line !== '...');
}
