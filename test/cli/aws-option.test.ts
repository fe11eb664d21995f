import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withEnvironmentOfAws } from '../../cli/aws.ts';
import { EXIT } from '../../cli/exit-codes.ts';

const TIERPLANE = join(import.meta.dirname, '..', '..', 'bin', 'tierplane');

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise<{ code: number; stderr: string }>((resolve) => {
    const options = { env: { PATH, HOME, AWS_EC2_METADATA_DISABLED: 'true', ...env } };
    execFile(TIERPLANE, args, options, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
}

test.each([
  [
    ['--aws', 'tenants', 'list'],
    ['--aws=main', 'tenants', 'list'],
  ],
  [
    ['--aws', 'blue', 'tenants', 'list'],
    ['--aws', 'blue', 'tenants', 'list'],
  ],
  [
    ['--aws=blue', 'tenants', 'list'],
    ['--aws=blue', 'tenants', 'list'],
  ],
  [
    ['tenants', 'list', '--aws'],
    ['tenants', 'list', '--aws=main'],
  ],
  [
    ['tenants', 'list', '--aws', '--json'],
    ['tenants', 'list', '--aws=main', '--json'],
  ],
  [
    ['tenants', 'list', '--aws', 'blue'],
    ['tenants', 'list', '--aws', 'blue'],
  ],
  [
    ['tenants', 'list'],
    ['tenants', 'list'],
  ],
])('the arguments %j mean %j', (argv, expected) => {
  expect(withEnvironmentOfAws(argv, ['tenants', 'services'])).toEqual(expected);
});

test.each([
  [['tenants', 'list', '--aws', 'Blue'], 'usage', "lower-case letters and digits and start with a letter, got 'Blue'"],
  [['tenants', 'list', '--aws', '--url', 'https://x.example'], 'usage', 'give only one of --url, --aws and --data-dir'],
  [['logs', '--aws'], 'usage', "'logs' works on a data directory of this machine and takes no --aws"],
  [['--aws', 'tenants', 'list'], 'signIn', 'no AWS region: set AWS_REGION, or a region in the profile'],
] as const)('refuses %j', async (args, exit, message) => {
  const { code, stderr } = await run(args);
  expect({ code, stderr }).toEqual({ code: EXIT[exit], stderr: expect.stringContaining(message) });
});

test('names the credentials where AWS has none', async () => {
  const { code, stderr } = await run(['tenants', 'list', '--aws'], { AWS_REGION: 'eu-west-1' });
  expect(code).toBe(EXIT.signIn);
  expect(stderr).toContain('AWS does not accept the credentials: CredentialsProviderError');
  expect(stderr).toContain('set AWS_PROFILE and sign in');
});
