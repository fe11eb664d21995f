import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { blocksOf, isShell, RUNBOOK_PAGES } from '../support/doc-commands.ts';
import { LAUNCHER, PASSWORD, TestPlatform } from './harness.ts';

/**
 * Runs the commands of the runbooks and guides in the folder of a platform that has what they name: the demo tenant globex,
 * and a tenant acme whose onboarding failed.
 */
const folder = mkdtempSync(join(tmpdir(), 'tp-run-'));
const dataDir = join(folder, '.tierplane');
let platform: TestPlatform;

beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(LAUNCHER, join(folder, 'node_modules', '.bin', 'tierplane'));
  platform = new TestPlatform({ dataDir });
  await platform.start();
  await platform.onboard('globex', 'advanced');
  // A file in place of the folder makes provisioning fail.
  const tenants = join(dataDir, 'tenants');
  renameSync(tenants, `${tenants}.aside`);
  writeFileSync(tenants, '');
  const args = ['--name', 'acme', '--email', 'jo@acme.example', '--tier', 'advanced', '--admin-password', PASSWORD];
  const failed = await platform.cli('tenants', 'create', ...args, '--wait');
  expect(failed.stderr).toContain('acme failed');
  rmSync(tenants);
  renameSync(`${tenants}.aside`, tenants);
}, 90_000);

afterAll(async () => {
  await platform.dispose();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

test('DX-1: the commands of the runbooks and guides work as written', async () => {
  const blocks = RUNBOOK_PAGES.flatMap(blocksOf).filter(isShell);
  expect(blocks.length).toBeGreaterThanOrEqual(5);
  for (const { page, text } of blocks) {
    const { status, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder, encoding: 'utf8' });
    expect([page, text, status, stderr]).toEqual([page, text, 0, expect.any(String)]);
  }
  // The last commands are down, copy and reset.
  await platform.ended();
  expect(readdirSync(folder).sort()).toEqual(['node_modules', 'tierplane-backup']);
  expect(readdirSync(join(folder, 'tierplane-backup'))).toContain('platform.db');
}, 120_000);
