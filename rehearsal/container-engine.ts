import { spawnSync } from 'node:child_process';
import { missingPodman, Podman } from './podman.ts';

/** The label of an account's containers, which the launcher sets. */
const LABEL = 'tierplane.account';

/** Runs the containers of one emulated account. Its images are local; nothing is pulled. */
export interface ContainerEngine {
  /** The address of its Docker API, for DOCKER_HOST. */
  readonly host: string;
  /** Builds an image from a folder with a `Containerfile`. @throws Error with the output if it fails */
  build(tag: string, folder: string): void;
  /** Runs one command of its command line, such as `ps`, to its end. @throws Error with the output if it fails */
  run(...args: readonly string[]): string;
  /** Removes the account's containers and the images that `build` made. */
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
 * @param folder of the account's podman
 * @param accountName is the value of the label of the account's containers
 * @throws Error if no engine can run
 */
export async function startContainerEngine(folder: string, accountName: string): Promise<ContainerEngine> {
  const missing = missingContainerEngine();
  if (missing !== undefined) throw new Error(`missing container engine: ${missing}`);
  return usesDocker() ? new Docker(accountName) : podmanEngine(new Podman(folder));
}

/** Removes the containers of an account whose process was killed. */
export function disposeContainersOf(folder: string, accountName: string): void {
  new Podman(folder).dispose();
  if (usesDocker()) new Docker(accountName).dispose();
}

async function podmanEngine(podman: Podman): Promise<ContainerEngine> {
  try {
    return {
      host: await podman.serve(),
      build: (tag, folder) => {
        podman.run(
          'build',
          '--quiet',
          '--pull=never',
          '--format',
          'docker',
          '--tag',
          tag,
          '--file',
          `${folder}/Containerfile`,
          folder,
        );
      },
      run: (...args) => podman.run(...args),
      dispose: () => podman.dispose(),
    };
  } catch (error) {
    podman.dispose();
    throw error;
  }
}

/** The machine's Docker, which others use as well. */
class Docker implements ContainerEngine {
  readonly host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
  readonly #accountName: string;
  readonly #tags = new Set<string>();

  constructor(accountName: string) {
    this.#accountName = accountName;
  }

  build(tag: string, folder: string): void {
    this.#tags.add(tag);
    this.run('build', '--quiet', '--tag', tag, '--file', `${folder}/Containerfile`, folder);
  }

  run(...args: readonly string[]): string {
    const { status, stdout, stderr } = docker(args);
    if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  dispose(): void {
    const { stdout } = docker(['ps', '--all', '--quiet', '--filter', `label=${LABEL}=${this.#accountName}`]);
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) docker(['rm', '--force', '--volumes', ...ids]);
    if (this.#tags.size > 0) docker(['rmi', '--force', ...this.#tags]);
  }
}

function docker(args: readonly string[]) {
  return spawnSync('docker', args, { encoding: 'utf8', timeout: 120_000 });
}

function usesDocker(): boolean {
  return docker(['version', '--format', '{{.Server.Version}}']).status === 0;
}
