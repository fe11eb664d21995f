import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { describeWithPython } from '../support/describe-with-python.ts';
import { leftBehind, NOTHING, run } from './leftovers.ts';

const ROOT = join(import.meta.dirname, '../..');
const REHEARSAL = ['rehearsal/product/command.ts', '--only', 'control-plane'];
jest.setTimeout(300_000);

describeWithPython('npm run aws:rehearse', () => {
  test('DX-7: installs the control plane into an emulated account, uses it, and leaves nothing running', async () => {
    const left = await leftBehind(async (env) => {
      const { code, stdout, stderr } = await run(process.execPath, [...REHEARSAL, '--json'], env);
      const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: { name: string; ms: number; ok: boolean }[] };
      expect(steps.filter((step) => !step.ok)).toEqual([]);
      expect({ ok, code }).toEqual({ ok: true, code: 0 });
      expect(steps.length).toBeGreaterThanOrEqual(13);
      for (const { ms } of steps) expect(Number.isInteger(ms)).toBe(true);
      expect(stderr).toContain('✓ scripts/sbt-install.sh installs the control plane');
    });
    expect(left).toEqual(NOTHING);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves nothing behind after %s', async (signal, code) => {
    const left = await leftBehind(async (env) => {
      const child = spawn(process.execPath, REHEARSAL, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
      const exited = once(child, 'exit');
      // The account has started, and the installer runs.
      for await (const chunk of child.stderr) if (String(chunk).includes('✓')) break;
      child.kill(signal);
      expect(await exited).toEqual([code, null]);
    });
    expect(left).toEqual(NOTHING);
  });

  test('fails when a step fails, and leaves nothing behind', async () => {
    const left = await leftBehind(async (env) => {
      // With this grep, the installer accepts no email address.
      const bin = mkdtempSync(join(env.TMPDIR ?? '', 'bin-'));
      writeFileSync(join(bin, 'grep'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      const PATH = `${bin}:${env.PATH}`;
      const { code, stdout } = await run(process.execPath, [...REHEARSAL, '--json'], { ...env, PATH });
      rmSync(bin, { recursive: true });
      const { ok, steps } = JSON.parse(stdout);
      expect({ code, ok, last: steps.at(-1) }).toMatchObject({
        ...{ code: 1, ok: false },
        last: { ok: false, reason: expect.stringContaining('is not an email address') },
      });
    });
    expect(left).toEqual(NOTHING);
  });
});

describe('scripts/sbt-install.sh', () => {
  const installer = join(ROOT, 'scripts/sbt-install.sh');

  test.each([
    [[], 'missing email address'],
    [['nobody'], "'nobody' is not an email address"],
    [['a@b'], "'a@b' is not an email address"],
    [['a b@example.com'], 'is not an email address'],
    [['a@example.com\nb'], 'is not an email address'],
    [['a@example.com', 'b@example.com'], 'expected one email address, got two'],
    [['a@example.com', '--wrong'], 'unknown option --wrong'],
    [['a@example.com', '--environment'], '--environment needs a name'],
    [
      ['a@example.com', '--environment', 'No/Name'],
      "environment must be 1 to 11 lower-case letters and digits and start with a letter, got 'No/Name'",
    ],
  ])('refuses %j and prints its usage', async (args, message) => {
    const { code, stderr, stdout } = await run(installer, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('Usage: scripts/sbt-install.sh <admin_email>');
  });

  test('prints its options with --help', async () => {
    const { code, stdout } = await run(installer, ['--help']);
    expect(code).toBe(0);
    for (const option of ['--environment', '--require-mfa', '--dry-run']) expect(stdout).toContain(option);
  });

  test('takes the region from the environment, or from the profile', async () => {
    const home = mkdtempSync(join(tmpdir(), 'tierplane-home-'));
    try {
      mkdirSync(join(home, '.aws'));
      writeFileSync(join(home, '.aws', 'config'), '[profile there]\nregion = eu-north-1\n');
      const given = { PATH: process.env.PATH, HOME: home, AWS_EC2_METADATA_DISABLED: 'true' };
      for (const [variables, region] of [
        [{ AWS_PROFILE: 'there' }, 'eu-north-1'],
        [{ AWS_DEFAULT_REGION: 'us-west-2' }, 'us-west-2'],
        [{ AWS_PROFILE: 'there', AWS_REGION: 'us-east-2' }, 'us-east-2'],
      ] as const) {
        const { stdout } = await run(installer, ['a@example.com'], { ...given, ...variables });
        expect(stdout).toContain(`✓ region: ${region}`);
      }
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test('DE-1: lists its prerequisites and stops if one is missing', async () => {
    const { PATH = '', HOME } = process.env;
    const { code, stdout } = await run(installer, ['a@example.com'], { PATH, HOME, AWS_EC2_METADATA_DISABLED: 'true' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✓ Node: v24/);
    expect(stdout).toMatch(/✗ region: set AWS_REGION/);
    expect(stdout).toMatch(/✗ account: no valid AWS credentials/);
  });
});
