import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { missingPython } from '../../scripts/rehearsal/python-environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const missing = process.env.CI === 'true' ? undefined : missingPython();
const group = missing === undefined ? describe : describe.skip;
jest.setTimeout(300_000);

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Result> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: ROOT, env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

group(`npm run aws:rehearse${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  test('DX-7: installs the control plane into an emulated account, uses it, and leaves nothing running', async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['scripts/rehearsal/rehearse.ts', '--json']);
    const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: { name: string; ms: number; ok: boolean }[] };
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    expect({ ok, code }).toEqual({ ok: true, code: 0 });
    expect(steps.length).toBeGreaterThanOrEqual(11);
    for (const { ms } of steps) expect(Number.isInteger(ms)).toBe(true);
    expect(stderr).toContain('✓ scripts/sbt-install.sh installs the control plane');
    const { stdout: processes } = await run('ps', ['-eo', 'ppid,args']);
    // Orphans of this rehearsal would hang on the first process.
    expect(processes.split('\n').filter((line) => /^\s*1\s.*emulator\/launch\.py/.test(line))).toEqual([]);
  });
});

describe('scripts/sbt-install.sh', () => {
  const installer = join(ROOT, 'scripts/sbt-install.sh');

  test.each([
    [[], 'an email address is needed'],
    [['nobody'], "'nobody' is no email address"],
    [['a@b'], "'a@b' is no email address"],
    [['a b@example.com'], 'is no email address'],
    [['a@example.com', 'b@example.com'], 'got two'],
    [['a@example.com', '--wrong'], 'unknown option --wrong'],
    [['a@example.com', '--environment'], '--environment needs a name'],
    [['a@example.com', '--environment', 'No/Name'], "'No/Name' cannot be an environment's name"],
  ])('refuses %j with its usage', async (args, words) => {
    const { code, stderr, stdout } = await run(installer, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).toContain('Usage: scripts/sbt-install.sh <admin_email>');
  });

  test('explains itself', async () => {
    const { code, stdout } = await run(installer, ['--help']);
    expect(code).toBe(0);
    for (const option of ['--environment', '--require-mfa', '--dry-run']) expect(stdout).toContain(option);
  });

  test('ticks off what it needs, and stops where something is missing', async () => {
    const { PATH = '', HOME } = process.env;
    const { code, stdout } = await run(installer, ['a@example.com'], { PATH, HOME, AWS_EC2_METADATA_DISABLED: 'true' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✓ Node: v24/);
    expect(stdout).toMatch(/✗ region: set AWS_REGION/);
    expect(stdout).toMatch(/✗ account: no AWS credentials/);
  });
});
