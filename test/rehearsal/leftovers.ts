import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containersFolder } from '../../rehearsal/account-files.ts';
import { until } from '../support/until.ts';
import { isTaskAddressRight } from './task-address.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, in the project's folder. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Result> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: ROOT, env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

/** What a rehearsal has left on this machine. */
export interface Leftovers {
  readonly files: readonly string[];
  /** Processes that refer to the rehearsal's folder. */
  readonly running: readonly string[];
  readonly mounts: readonly string[];
  /** Whether the address of task credentials is assigned although no account uses it, or is gone although one does. */
  readonly address: boolean;
}

export const NOTHING: Leftovers = { files: [], running: [], mounts: [], address: false };

/** Runs `use` with a temporary folder. @returns what it has left */
export async function leftBehind(use: (env: NodeJS.ProcessEnv) => Promise<void>): Promise<Leftovers> {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-rehearsal-'));
  const places = [folder];
  // The account's podman has a folder elsewhere, because it accepts short paths only.
  const watcher = watch(folder, (_event, name) => {
    if (name?.startsWith('tierplane-aws-')) places.push(containersFolder(join(folder, name)));
  });
  const isOurs = (line: string): boolean => places.some((place) => line.includes(place));
  try {
    await use({ ...process.env, TMPDIR: folder });
    const running = async () => (await run('ps', ['axeww'])).stdout.split('\n').filter(isOurs);
    // Processes that were just killed may still be listed.
    await until(async () => (await running()).length === 0).catch(() => {});
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return {
      files: [...readdirSync(folder), ...places.slice(1).filter((place) => existsSync(place))],
      running: await running(),
      mounts: mounts.filter(isOurs),
      address: !(await isTaskAddressRight()),
    };
  } finally {
    watcher.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
