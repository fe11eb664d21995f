import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../../rehearsal/emulated-account.ts';

const ROOT = join(import.meta.dirname, '../..');
const CLI = join(ROOT, 'node_modules/.bin/cdk');
const LARGEST_OUTPUT = 64 * 2 ** 20;

export interface Deployment {
  /** The command that synthesizes, from the project's root. @default - the app of cdk.json */
  readonly app?: string;
  readonly stacks: readonly string[];
  /** Values of parameters, as `<stack>:<name>=<value>`. @default - none */
  readonly parameters?: readonly string[];
}

/**
 * Deploys stacks of an app by the CDK CLI. The app runs once: without an assembly, `cdk bootstrap` would run it, too.
 * @returns the outputs by stack @throws Error with the CLI's output if it fails
 */
export async function deployApp(
  account: EmulatedAccount,
  { app, stacks, parameters = [] }: Deployment,
): Promise<Record<string, Record<string, string>>> {
  const assembly = join(account.directory, 'assembly');
  const outputs = join(account.directory, 'outputs.json');
  await cdk(account, ['synth', '--quiet', '--output', assembly, ...(app === undefined ? [] : ['--app', app])]);
  await cdk(account, ['bootstrap', `aws://${ACCOUNT_ID}/${REGION}`, '--app', assembly]);
  await cdk(account, [
    ...['deploy', ...stacks, '--exclusively', '--app', assembly],
    ...['--require-approval', 'never', '--outputs-file', outputs],
    ...parameters.flatMap((one) => ['--parameters', one]),
  ]);
  return JSON.parse(readFileSync(outputs, 'utf8'));
}

async function cdk(account: EmulatedAccount, args: readonly string[]): Promise<void> {
  const { PATH } = process.env;
  const env = { PATH, HOME: account.directory, CI: 'true', JSII_DEPRECATED: 'quiet', ...account.environment };
  try {
    await promisify(execFile)(CLI, args, { cwd: ROOT, env, maxBuffer: LARGEST_OUTPUT });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`cdk ${args[0]} failed: ${(stdout + stderr).slice(-3000)}`, { cause: error });
  }
}
