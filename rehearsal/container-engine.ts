import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { type EngineCommand, missingPodman, Podman } from './podman.ts';

/** The label of an account's containers, which the launcher sets, and of its images in Docker. */
const LABEL = 'tierplane.account';

/** Runs the containers of one emulated account. Its images are local; nothing is pulled. */
export interface ContainerEngine {
  /** The address of its Docker API, for DOCKER_HOST. */
  readonly host: string;
  /** The engine's names of the account's images begin with this, so that accounts which share an engine share no image. */
  readonly imagePrefix: string;
  /** How programs call its command line. Undefined for the machine's Docker, which they find by themselves. */
  readonly command?: EngineCommand;
  /** Builds the account's image `tag` from a folder with a `Containerfile`. @throws Error with the output if it fails */
  build(tag: string, folder: string): void;
  /** The names of the account's containers, running or not, that match all filters of `ps`, such as `label=name=value`. */
  containers(...filters: readonly string[]): string[];
  /** Runs one command of its command line, such as `exec`, to its end. @throws Error with the output if it fails */
  run(...args: readonly string[]): string;
  /** Removes the account's containers and images. */
  dispose(): void;
}

/** Why this machine cannot run the containers of an emulated account, or undefined. */
export function missingContainerEngine(): string | undefined {
  if (process.platform !== 'linux') return 'containers of an emulated account need Linux';
  // A task finds its credentials at an address that only root can assign.
  if (process.getuid?.() !== 0) return 'not root';
  const tools = ['ip', 'flock', 'setpriv'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (tools.length > 0) return `${tools.join(', ')} not installed`;
  if (usesDocker()) return undefined;
  if (process.env.DOCKER_HOST) return 'DOCKER_HOST is set, but the docker command does not reach it';
  const podman = missingPodman();
  return podman === undefined ? undefined : `neither Docker nor podman can run: ${podman}`;
}

/**
 * Starts the engine of an account: DOCKER_HOST if set, else Docker, else a podman of its own.
 * @param folder of the account's podman. It exists as long as the account has containers, whatever the engine.
 * @param accountName is the value of the label of the account's containers
 * @throws Error if no engine can run
 */
export async function startContainerEngine(folder: string, accountName: string): Promise<ContainerEngine> {
  const missing = missingContainerEngine();
  if (missing !== undefined) throw new Error(`missing container engine: ${missing}`);
  return usesDocker() ? new Docker(folder, accountName) : podmanEngine(new Podman(folder), accountName);
}

/** Removes the containers of an account whose process was killed. */
export function disposeContainersOf(folder: string, accountName: string): void {
  if (usesDocker()) new Docker(folder, accountName).dispose();
  new Podman(folder).dispose();
}

async function podmanEngine(podman: Podman, accountName: string): Promise<ContainerEngine> {
  try {
    return {
      ...{ host: await podman.serve(), imagePrefix: '' },
      command: podman.command,
      build: (tag, folder) => {
        const options = ['--quiet', '--pull=never', '--format', 'docker', '--tag', tag];
        podman.run('build', ...options, '--file', `${folder}/Containerfile`, folder);
      },
      containers: (...filters) => linesOf(podman.run(...listContainers(accountName, filters))),
      run: (...args) => podman.run(...args),
      dispose: () => podman.dispose(),
    };
  } catch (error) {
    podman.dispose();
    throw error;
  }
}

/** The machine's Docker, which other accounts and other programs use as well. */
class Docker implements ContainerEngine {
  readonly host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
  readonly imagePrefix: string;
  readonly #folder: string;
  readonly #accountName: string;

  constructor(folder: string, accountName: string) {
    this.#folder = folder;
    this.#accountName = accountName;
    // Names of images have no capital letters.
    this.imagePrefix = `tierplane.local/${Buffer.from(accountName).toString('hex')}/`;
    mkdirSync(folder, { recursive: true });
  }

  build(tag: string, folder: string): void {
    const options = ['--quiet', '--label', `${LABEL}=${this.#accountName}`, '--tag', `${this.imagePrefix}${tag}`];
    this.run('build', ...options, '--file', `${folder}/Containerfile`, folder);
  }

  containers(...filters: readonly string[]): string[] {
    return linesOf(this.run(...listContainers(this.#accountName, filters)));
  }

  run(...args: readonly string[]): string {
    const { status, stdout, stderr } = docker(args);
    if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  dispose(): void {
    const names = this.containers();
    if (names.length > 0) docker(['rm', '--force', '--volumes', ...names]);
    const filter = `label=${LABEL}=${this.#accountName}`;
    const images = linesOf(this.run('images', '--quiet', '--filter', filter));
    if (images.length > 0) docker(['rmi', '--force', ...new Set(images)]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Arguments of `ps` that print the names of the account's containers. */
function listContainers(accountName: string, filters: readonly string[]): string[] {
  const all = [`label=${LABEL}=${accountName}`, ...filters];
  return ['ps', '--all', '--format', '{{.Names}}', ...all.flatMap((filter) => ['--filter', filter])];
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(Boolean);
}

function docker(args: readonly string[]) {
  return spawnSync('docker', args, { env: process.env, encoding: 'utf8', timeout: 120_000 });
}

function usesDocker(): boolean {
  return docker(['version', '--format', '{{.Server.Version}}']).status === 0;
}
