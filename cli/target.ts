import type { Command } from 'commander';
import { isDomainError } from '../core/errors.ts';
import { type DataDir, dataDirAt } from '../embedded/data-dir.ts';
import { addressesOnAws, environmentOf } from './aws.ts';
import { CliError } from './exit-codes.ts';
import { DEFAULT_DATA_DIR } from './launcher.ts';
import { normalizeUrl } from './sign-in/discovery.ts';
import { openProfiles, type Profiles, profilesPath } from './sign-in/profiles.ts';

/** The platform that a command addresses. */
export type Target =
  | {
      readonly kind: 'url';
      readonly url: string;
      /** What named it. A profile names a platform that this user has signed in to. */
      readonly by: '--url' | 'TIERPLANE_URL' | 'profile';
    }
  /** An installation in the AWS account of the current credentials. */
  | { readonly kind: 'aws'; readonly environment: string }
  | { readonly kind: 'data-dir'; readonly dir: DataDir };

/** The options before and after a command's name that say which platform is meant. */
export interface TargetOptions {
  readonly url?: string;
  readonly aws?: string;
  readonly dataDir?: string;
}

/**
 * In order: --url, --aws or --data-dir, TIERPLANE_URL, TIERPLANE_DATA_DIR, the current profile, the data directory in this
 * folder. Throws usage for an address that is not one, or for two options at once.
 */
export function targetOf({ url, aws, dataDir }: TargetOptions): Target {
  if ([url, aws, dataDir].filter((option) => option !== undefined).length > 1) {
    throw new CliError('usage', 'give only one of --url, --aws and --data-dir');
  }
  if (aws !== undefined) return { kind: 'aws', environment: environmentOf(aws) };
  if (url !== undefined) return { kind: 'url', url: platformUrl(url, '--url'), by: '--url' };
  if (dataDir !== undefined) return { kind: 'data-dir', dir: dataDirAt(dataDir) };
  const { TIERPLANE_URL, TIERPLANE_DATA_DIR } = process.env;
  if (TIERPLANE_URL) return { kind: 'url', url: platformUrl(TIERPLANE_URL, 'TIERPLANE_URL'), by: 'TIERPLANE_URL' };
  if (TIERPLANE_DATA_DIR) return { kind: 'data-dir', dir: dataDirAt(TIERPLANE_DATA_DIR) };
  const current = userProfiles().current();
  if (current) return { kind: 'url', url: current.url, by: 'profile' };
  return { kind: 'data-dir', dir: dataDirAt(DEFAULT_DATA_DIR) };
}

/** The address of a platform that is not one of this machine. Throws as `addressesOnAws`. */
export async function urlOfTarget(target: Exclude<Target, { readonly kind: 'data-dir' }>): Promise<string> {
  return target.kind === 'url' ? target.url : (await addressesOnAws(target.environment)).controlPlaneUrl;
}

/** The data directory of a command that works on this machine. Throws usage with --url or --aws. */
export function dataDirOf({ url, aws, dataDir }: TargetOptions, command: string): DataDir {
  const other = url === undefined ? aws && '--aws' : '--url';
  if (other !== undefined) {
    throw new CliError('usage', `'${command}' works on a data directory of this machine and takes no ${other}`);
  }
  return dataDirAt(dataDir ?? (process.env.TIERPLANE_DATA_DIR || DEFAULT_DATA_DIR));
}

/** The profiles of the user who runs this process. */
export function userProfiles(): Profiles {
  return openProfiles(profilesPath(process.env));
}

function platformUrl(address: string, name: string): string {
  try {
    return normalizeUrl(address);
  } catch (cause) {
    if (!isDomainError(cause, 'INVALID')) throw cause;
    throw new CliError('usage', `${name}: ${cause.message}`, { cause });
  }
}

/** The values of an option on a command and those above it, the nearest first. */
export function optionsOf(command: Command): TargetOptions & { readonly json: boolean } {
  const given = ancestry(command).map((one) => one.opts<TargetOptions & { json?: boolean }>());
  const dataDir = given.find((options) => options.dataDir !== undefined)?.dataDir;
  const url = given.find((options) => options.url !== undefined)?.url;
  const aws = given.find((options) => options.aws !== undefined)?.aws;
  return {
    ...(dataDir !== undefined && { dataDir }),
    ...(url !== undefined && { url }),
    ...(aws !== undefined && { aws }),
    json: given.some((options) => options.json === true),
  };
}

function ancestry(command: Command): Command[] {
  return command.parent ? [command, ...ancestry(command.parent)] : [command];
}
