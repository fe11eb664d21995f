import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM_DIR } from '../adapters/embedded/program.ts';
import { type DataDir, dataDirAt } from '../embedded/data-dir.ts';

/** Whether this is a clone of the repository, which has sources, and not an installed package. */
const IS_CLONE = existsSync(join(PROGRAM_DIR, 'bin', 'tierplane.ts'));
const COMMAND_FILE = join(PROGRAM_DIR, 'bin', 'tierplane');

/** The data directory if neither `--data-dir` nor TIERPLANE_DATA_DIR names one: in the current folder. */
export const DEFAULT_DATA_DIR = '.tierplane';

/** The data directory of `npm start` in this clone; undefined in an installed package, which has none of its own. */
export function dataDirOfClone(): DataDir | undefined {
  return IS_CLONE ? dataDirAt(join(PROGRAM_DIR, DEFAULT_DATA_DIR)) : undefined;
}

/** The command line as a shell in the current folder calls it: by name, by npx, or by the path of its file. */
export function launcher(): string {
  if (IS_CLONE) return isBelow(currentFolder(), PROGRAM_DIR) ? 'npx tierplane' : quoted(COMMAND_FILE);
  if (isOnPath()) return 'tierplane';
  return process.env.npm_command === 'exec' ? 'npx tierplane' : quoted(COMMAND_FILE);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Whether the name `tierplane` finds this program. npx and npm put node_modules/.bin on the PATH, for one command only. */
function isOnPath(): boolean {
  const found = (process.env.PATH ?? '').split(':').map((folder) => join(folder, 'tierplane'));
  const first = found.find((path) => !path.includes('/node_modules/.bin/') && existsSync(path));
  return first !== undefined && realpathSync(first) === realpathSync(COMMAND_FILE);
}

/** The command line for this data directory, as a shell in the current folder calls it. */
export function commandFor(dir: DataDir): string {
  return isDefault(dir) ? launcher() : `${launcher()} --data-dir ${quoted(dir.root)}`;
}

/** The command that starts the platform of this data directory. */
export function startCommandFor(dir: DataDir): string {
  return IS_CLONE && isDefault(dir) ? 'npm start' : `${commandFor(dir)} up`;
}

/** Whether commands in the current folder find this data directory without `--data-dir`. */
function isDefault(dir: DataDir): boolean {
  const folder = currentFolder();
  if (IS_CLONE && folder !== PROGRAM_DIR) return false;
  return folder !== '' && dir.root === join(folder, DEFAULT_DATA_DIR);
}

/** Empty if the folder no longer exists. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
