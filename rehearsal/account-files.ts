import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isAlive, type ProcessRecord, startOf } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import { removeAddresses } from './account-network.ts';
import { disposeContainersOf } from './container-engine.ts';

const PREFIX = 'tierplane-aws-';

/** The process that uses an account, and the account's port. */
interface Owner extends ProcessRecord {
  readonly port: number;
}

const OWNER_FILE = 'process.json';

/** Creates the folder of an account that this process uses, in the folder `parent`. */
export function createAccountFolder(port: number, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, PREFIX));
  const owner: Owner = { pid: process.pid, start: startOf(process.pid), port };
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner));
  return folder;
}

/** The folder of the account's podman, which accepts short paths only. It exists only if the account has a podman. */
export function containersFolder(folder: string): string {
  return join('/tmp', basename(folder).replace(PREFIX, 'tierplane-podman-'));
}

export function removeAccountFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes containers, addresses and files of accounts in the folder `parent` whose process was killed. */
export function removeAbandonedAccounts(parent = tmpdir()): void {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(parent, name);
    const owner = ownerOf(folder);
    if (!owner || isAlive(owner)) continue;
    // Without a known start, whether the process has ended is unknown, too.
    if (owner.start !== undefined && claim(folder)) removeAbandoned(folder, owner.port);
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
    return JSON.parse(readFileSync(join(folder, OWNER_FILE), 'utf8')) as Owner;
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
