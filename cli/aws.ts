import type { Addresses } from '../adapters/aws/installation/addresses.ts';
import type { DomainError } from '../core/errors.ts';
import { INSTALLED_ENVIRONMENT_NAME, INSTALLED_ENVIRONMENT_RULE } from '../core/installation/environment-name.ts';
import { CliError } from './exit-codes.ts';
import { withNote } from './output.ts';

/** The environment that `--aws` means without a name. */
const DEFAULT_ENVIRONMENT = 'main';

const found = new Map<string, Promise<Addresses>>();

/**
 * The addresses of an installation in the AWS account of the current credentials. They are read once. The AWS SDK is loaded
 * here only, from a bundle of its own.
 * Throws refused if the environment is not installed there, signIn without AWS credentials, notRunning if AWS does not respond.
 */
export function addressesOnAws(environment: string): Promise<Addresses> {
  const known = found.get(environment) ?? withNote('waiting for AWS', () => read(environment));
  found.set(environment, known);
  return known;
}

async function read(environment: string): Promise<Addresses> {
  const { addressesOf } = await import('../adapters/aws/installation/addresses.ts');
  try {
    return await addressesOf(environment);
  } catch (cause) {
    throw asCliError(cause);
  }
}

/** The adapter's bundle has a DomainError class of its own, so `instanceof` does not recognise its errors. */
function isDomainErrorOfBundle(cause: unknown): cause is DomainError {
  return cause instanceof Error && cause.name === 'DomainError';
}

function asCliError(cause: unknown): unknown {
  if (!isDomainErrorOfBundle(cause)) return cause;
  const { code, message } = cause;
  if (code === 'NOT_FOUND') {
    const hint = 'scripts/install.sh installs it; AWS_REGION or AWS_PROFILE selects another region or account';
    return new CliError('refused', message, { cause, hint });
  }
  if (code === 'UNAUTHENTICATED') {
    const hint = 'set AWS_PROFILE and sign in, or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION';
    return new CliError('signIn', message, { cause, hint });
  }
  return new CliError(code === 'UNAVAILABLE' ? 'notRunning' : 'failed', message, { cause });
}

/** The name of an environment. Throws usage. */
export function environmentOf(name: string): string {
  if (INSTALLED_ENVIRONMENT_NAME.test(name)) return name;
  throw new CliError('usage', `the environment of --aws ${INSTALLED_ENVIRONMENT_RULE}, got '${name}'`);
}

/**
 * Arguments in which `--aws` has its environment: `--aws` before a command or another option, or at the end, means `main`.
 * @param commands the names that are commands after `--aws`, not environments
 */
export function withEnvironmentOfAws(argv: readonly string[], commands: readonly string[]): string[] {
  return argv.map((word, at) => {
    const next = argv[at + 1];
    const isName = next !== undefined && !next.startsWith('-') && !commands.includes(next);
    return word === '--aws' && !isName ? `--aws=${DEFAULT_ENVIRONMENT}` : word;
  });
}
