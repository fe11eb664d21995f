import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'tierplane', 'rehearsal');

/** What an environment is for: the folder of its requirements. */
export type PythonPurpose = 'emulator' | 'linter';

export interface PythonEnvironmentOptions {
  /** Where environments are kept, one per set of requirements. @default node_modules/.cache/tierplane/rehearsal */
  readonly directory?: string;
  /** Told of each step that takes seconds. */
  readonly progress: (line: string) => void;
}

/** Why no Python environment can be made on this machine, or undefined where one can. */
export function missingPython(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))'], {
      stdio: 'ignore',
    });
    return undefined;
  } catch {
    return 'python3 (3.10 or newer) with venv is not at hand';
  }
}

/**
 * The python of an environment made for `purpose`, at the first call, which needs the package index and takes some 15 s.
 * Two at once may both make it; the first to finish wins.
 * Throws an Error with pip's own words where packages cannot be installed.
 */
export async function ensurePython(
  purpose: PythonPurpose,
  { directory = CACHE, progress }: PythonEnvironmentOptions,
): Promise<string> {
  const missing = missingPython();
  if (missing) throw new Error(missing);
  const requirements = join(import.meta.dirname, purpose, 'requirements.txt');
  const environment = join(directory, `${purpose}-${fingerprint(requirements)}`);
  const python = join(environment, 'bin', 'python');
  if (existsSync(python)) return python;

  const started = performance.now();
  mkdirSync(directory, { recursive: true });
  const draft = mkdtempSync(join(directory, 'draft-'));
  const remove = (): void => rmSync(draft, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    progress(`making a Python environment in ${environment}`);
    await run('python3', ['-m', 'venv', draft]);
    progress(`installing the ${purpose} into it`);
    await run(join(draft, 'bin', 'python'), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirements],
    ]);
    renameSync(draft, environment);
  } catch (error) {
    if (!existsSync(python)) throw error;
  } finally {
    remove();
    process.off('exit', remove);
  }
  progress(`Python environment ready after ${Math.round((performance.now() - started) / 1000)} s`);
  return python;
}

/** Another Python, or other requirements, make another environment. */
function fingerprint(requirements: string): string {
  const version = execFileSync('python3', ['-c', 'import sys; print(sys.version)'], { encoding: 'utf8' });
  return createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 16);
}
