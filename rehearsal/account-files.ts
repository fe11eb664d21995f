import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { removeAddresses } from './account-network.ts';
import { disposeContainersOf } from './container-engine.ts';

const PREFIX = 'tierplane-aws-';

/** The process that uses an account, and the account's port. */
interface Owner {
  readonly pid: number;
  /** Tells the process from a later one with the same pid. */
  readonly startTime: string;
  readonly port: number;
}

/** Creates the folder of an account that this process uses. */
export function createAccountFolder(port: number): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const owner: Owner = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', port };
  writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner));
  return folder;
}

/** The folder of the account's podman, which accepts short paths only. It exists only if the account has a podman. */
export function containersFolder(folder: string): string {
  return join('/tmp', basename(folder).replace(PREFIX, 'tierplane-podman-'));
}

export function removeAccountFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes containers, addresses and files of accounts whose process was killed. Does nothing on machines without /proc. */
export function removeAbandonedAccounts(): void {
  if (startTimeOf(process.pid) === undefined) return;
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const owner = ownerOf(folder);
    if (owner && startTimeOf(owner.pid) !== owner.startTime && claim(folder)) removeAbandoned(folder, owner.port);
  }
}

function removeAbandoned(folder: string, port: number): void {
  const containers = containersFolder(folder);
  if (existsSync(containers)) {
    disposeContainersOf(containers, basename(folder));
    removeAddresses(port);
  }
  removeAccountFolder(folder);
}

/** @returns undefined if another process is creating or removing the folder */
function ownerOf(folder: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

/** @returns whether this process, and no other, is to remove the account */
function claim(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'being-removed'));
    return true;
  } catch {
    return false;
  }
}

/** In clock ticks since the machine started. @returns undefined if the process has ended, or if there is no /proc */
function startTimeOf(pid: number): string | undefined {
  try {
    // The name of the program, in parentheses, may contain spaces. The state follows it, and 19 fields later the start time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
