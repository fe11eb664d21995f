import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'tierplane', 'rehearsal');

/**
 * Python runs this line at each start. It compiles each module when it is first imported, which takes a third of the time that
 * compiling all packages takes, and keeps the result in the environment, also for modules that are elsewhere.
 */
const COMPILE_ON_IMPORT =
  "import sys; sys.dont_write_bytecode = False; sys.pycache_prefix = sys.prefix + '/bytecode'\n";

/** The folder with the requirements of each environment, below the project's. */
const REQUIREMENTS = {
  emulator: 'rehearsal/emulator',
  linter: 'rehearsal/linter',
  'api-tester': 'test/openapi',
  'second-opinion': 'test/adapters/aws/second-opinion',
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
 * index and takes some seconds. If two processes create it at the same time, the first to finish wins.
 * @throws Error with pip's message if packages cannot be installed
 */
export async function ensurePython(
  purpose: PythonPurpose,
  { directory = CACHE, progress }: PythonEnvironmentOptions,
): Promise<string> {
  const missing = missingPython();
  if (missing) throw new Error(missing);
  const requirements = join(import.meta.dirname, '..', REQUIREMENTS[purpose], 'requirements.txt');
  const environment = join(directory, `${purpose}-${fingerprint(readFileSync(requirements))}`);
  const python = pythonOf(environment);
  if (existsSync(python)) return python;

  const started = performance.now();
  progress(`creating a Python environment in ${environment}`);
  const pip = await ensurePip(directory);
  await createOnce(environment, async (draft) => {
    await run('python3', ['-m', 'venv', '--without-pip', draft]);
    progress(`installing the ${purpose} into it`);
    // The requirements name everything that the packages depend on.
    await run(pip, [
      ...['-m', 'pip', '--python', pythonOf(draft), 'install', '--no-deps', '--no-compile', '-r', requirements],
      ...['--quiet', '--disable-pip-version-check', '--no-input'],
    ]);
    const print = 'import sysconfig; print(sysconfig.get_path("purelib"))';
    const { stdout } = await run(pythonOf(draft), ['-c', print]);
    writeFileSync(join(stdout.trim(), 'compile-on-import.pth'), COMPILE_ON_IMPORT);
  });
  progress(`Python environment ready after ${Math.round((performance.now() - started) / 1000)} s`);
  return python;
}

/** A Python with pip, which all environments share: to install pip takes longer than most packages take. */
async function ensurePip(directory: string): Promise<string> {
  const environment = join(directory, `pip-${fingerprint('')}`);
  await createOnce(environment, (draft) => run('python3', ['-m', 'venv', draft]));
  return pythonOf(environment);
}

/**
 * Creates an environment as a draft and renames it when it is complete. Does nothing if it exists.
 * @throws what `create` throws, unless another process has created the environment
 */
async function createOnce(environment: string, create: (draft: string) => Promise<unknown>): Promise<void> {
  if (existsSync(environment)) return;
  const directory = dirname(environment);
  mkdirSync(directory, { recursive: true });
  const draft = mkdtempSync(join(directory, 'draft-'));
  const remove = (): void => rmSync(draft, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    await create(draft);
    renameSync(draft, environment);
  } catch (error) {
    if (!existsSync(environment)) throw error;
  } finally {
    remove();
    process.off('exit', remove);
  }
}

function pythonOf(environment: string): string {
  return join(environment, 'bin', 'python');
}

/** Identifies the Python version, the requirements and this file, so that a change of any creates a new environment. */
function fingerprint(requirements: string | Buffer): string {
  const version = execFileSync('python3', ['-c', 'import sys; print(sys.version)'], { encoding: 'utf8' });
  const hash = createHash('sha256')
    .update(requirements)
    .update(version)
    .update(readFileSync(import.meta.filename));
  return hash.digest('hex').slice(0, 16);
}
