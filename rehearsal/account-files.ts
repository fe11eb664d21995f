import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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
/** Longer than any rehearsal takes. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;

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

/**
 * Removes containers, addresses and files of accounts in the folder `parent` whose process was killed. If the process is not
 * known, or not its start, the account counts as abandoned a day after its folder has changed.
 */
export function removeAbandonedAccounts(parent = tmpdir(), nowMs = Date.now()): void {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(parent, name);
    const owner = ownerOf(folder);
    const isAbandoned = owner?.start === undefined ? nowMs - changedAt(folder) > ABANDONED_AFTER_MS : !isAlive(owner);
    if (isAbandoned && claim(folder)) removeAbandoned(folder, owner?.port);
  }
}

/** In epoch ms. 0 if the folder has just been removed. */
function changedAt(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function removeAbandoned(folder: string, port: number | undefined): void {
  const containers = containersFolder(folder);
  if (existsSync(containers)) {
    disposeContainersOf(containers, basename(folder));
    if (port !== undefined) removeAddresses(port);
  }
  removeAccountFolder(folder);
}

/** @returns undefined if another process is creating or removing the folder, or was killed while it did */
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
