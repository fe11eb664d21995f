import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  ENVIRONMENT_NAME,
  ENVIRONMENT_RULE,
  INSTALLED_ENVIRONMENT_NAME,
  INSTALLED_ENVIRONMENT_RULE,
  MAX_ENVIRONMENT_LENGTH,
  MAX_INSTALLED_ENVIRONMENT_LENGTH,
} from '../../core/installation/environment-name.ts';
import { ensurePython } from '../../rehearsal/python-environment.ts';
import { describeWithPython } from '../support/describe-with-python.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Every shell script of the project, by its path from the root. */
const SCRIPTS = ['scripts', 'scripts/lib', 'scripts/cleanup'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.sh'))
    .map((name) => `${folder}/${name}`),
);
const COMMANDS = SCRIPTS.filter((path) => !path.startsWith('scripts/lib/'));
/** Those that take the email address of the first administrator. */
const INSTALLERS = COMMANDS.filter((path) => /\/(sbt-install|install)\.sh$/.test(path));

/** Clean-up also deletes what earlier versions installed. */
function longestFor(script: string): number {
  return script.endsWith('/cleanup.sh') ? MAX_INSTALLED_ENVIRONMENT_LENGTH : MAX_ENVIRONMENT_LENGTH;
}

function run(command: string, args: readonly string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(command, args, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('the scripts have the same rule for names of environments as the CDK app and the command line', () => {
  const library = readFileSync(join(ROOT, 'scripts/lib/installation.sh'), 'utf8');
  for (const { source } of [ENVIRONMENT_NAME, INSTALLED_ENVIRONMENT_NAME]) {
    expect(library).toContain(`matches "$environment" '${source}'`);
  }
  for (const rule of [ENVIRONMENT_RULE, INSTALLED_ENVIRONMENT_RULE]) {
    expect(library).toContain(`environment ${rule}, got`);
  }
  for (const script of COMMANDS) {
    const rule = `1 to ${longestFor(script)} lower-case letters and digits`;
    expect(readFileSync(join(ROOT, script), 'utf8')).toContain(rule);
  }
});

test('there are scripts to check', () => expect(COMMANDS).toContain('scripts/sbt-install.sh'));

describe.each(COMMANDS)('%s', (script) => {
  const email = INSTALLERS.includes(script) ? ['admin@example.com'] : [];
  const longest = longestFor(script);

  test.each([
    [[...email, '--wrong'], 'unknown option --wrong'],
    [[...email, '--environment'], '--environment needs a name'],
    [
      [...email, '--environment', 'No/Name'],
      `environment must be 1 to ${longest} lower-case letters and digits and start with a letter, got 'No/Name'`,
    ],
    [[...email, '--environment', 'e'.repeat(longest + 1)], `got '${'e'.repeat(longest + 1)}'`],
    [
      [...email, 'another@example.com'],
      email.length > 0 ? 'expected one email address, got two' : 'unexpected argument',
    ],
  ])('refuses %j and prints its usage', async (args, message) => {
    const { code, stderr, stdout } = await run(join(ROOT, script), args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(`Usage: ${script}`);
  });

  test('prints its options with --help', async () => {
    const { code, stdout } = await run(join(ROOT, script), ['--help']);
    expect(code).toBe(0);
    for (const option of ['--environment NAME', '--dry-run', '--help']) expect(stdout).toContain(option);
  });
});

test.each(
  INSTALLERS.flatMap((script) => [[script, 'nobody'] as const, [script, 'a@b'] as const, [script, ''] as const]),
)('%s refuses the email address %j', async (script, email) => {
  const { code, stdout, stderr } = await run(join(ROOT, script), email === '' ? [] : [email]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(email === '' ? 'missing email address' : `'${email}' is not an email address`);
});

describeWithPython('ShellCheck', () => {
  jest.setTimeout(120_000);
  let shellcheck: string;
  beforeAll(async () => {
    const python = await ensurePython('linter', { progress: (line) => process.stderr.write(`${line}\n`) });
    shellcheck = join(dirname(python), 'shellcheck');
  });

  test('finds nothing in the shell scripts', async () => {
    const { code, stdout } = await run(shellcheck, ['--external-sources', ...SCRIPTS]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});
