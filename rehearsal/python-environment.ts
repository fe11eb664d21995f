import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'tierplane', 'rehearsal');

/** The folder with the requirements of each environment, below the project's. */
const REQUIREMENTS = {
  emulator: 'rehearsal/emulator',
  linter: 'rehearsal/linter',
  'api-tester': 'test/openapi',
} as const;

/** The purpose of an environment. */
export type PythonPurpose = keyof typeof REQUIREMENTS;

export interface PythonEnvironmentOptions {
  /** The folder of the environments, one per set of requirements. @default node_modules/.cache/tierplane/rehearsal */
  readonly directory?: string;
  /** Receives a line before each step that takes seconds. */
  readonly progress: (line: string) => void;
}

/** The reason why this machine cannot create a Python environment, or undefined. */
export function missingPython(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))'], {
      stdio: 'ignore',
    });
    return undefined;
  } catch {
    return 'python3 3.10 or later with venv was not found';
  }
}

/**
 * The Python interpreter of the environment for `purpose`. The first call creates the environment, which needs the package
 * index and takes about 15 s. If two processes create it at the same time, the first to finish wins.
 * @throws Error with pip's message if packages cannot be installed
 */
export async function ensurePython(
  purpose: PythonPurpose,
  { directory = CACHE, progress }: PythonEnvironmentOptions,
): Promise<string> {
  const missing = missingPython();
  if (missing) throw new Error(missing);
  const requirements = join(import.meta.dirname, '..', REQUIREMENTS[purpose], 'requirements.txt');
  const environment = join(directory, `${purpose}-${fingerprint(requirements)}`);
  const python = join(environment, 'bin', 'python');
  if (existsSync(python)) return python;

  const started = performance.now();
  progress(`creating a Python environment in ${environment}`);
  try {
    await create(environment, {
      directory,
      requirements,
      progress: () => progress(`installing the ${purpose} into it`),
    });
  } catch (error) {
    if (!existsSync(python)) throw error;
  }
  progress(`Python environment ready after ${Math.round((performance.now() - started) / 1000)} s`);
  return python;
}

/** Creates the environment as a draft and renames it when it is complete. */
async function create(
  environment: string,
  { directory, requirements, progress }: { directory: string; requirements: string; progress: () => void },
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const draft = mkdtempSync(join(directory, 'draft-'));
  const remove = (): void => rmSync(draft, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    await run('python3', ['-m', 'venv', draft]);
    progress();
    await run(join(draft, 'bin', 'python'), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirements],
    ]);
    renameSync(draft, environment);
  } finally {
    remove();
    process.off('exit', remove);
  }
}

/** Identifies the Python version and the requirements, so that a change of either creates a new environment. */
function fingerprint(requirements: string): string {
  const version = execFileSync('python3', ['-c', 'import sys; print(sys.version)'], { encoding: 'utf8' });
  return createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 16);
}
