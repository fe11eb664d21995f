import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { until } from '../scripts/until.ts';

const SERVES_WITHIN_MS = 20_000;

/** Raises no rlimits, uses no systemd and keeps its locks in the engine's folder. */
const CONFIGURATION = `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
`;

/** Where podman looks for netavark, which gives containers a network, and which calls iptables. */
const HELPER_FOLDERS = ['/usr/local/libexec', '/usr/local/lib', '/usr/libexec', '/usr/lib'].map(
  (path) => `${path}/podman`,
);

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why this machine cannot run podman, or undefined. */
export function missingPodman(): string | undefined {
  const isInstalled = (tool: string) => spawnSync(tool, ['--version']).status === 0;
  const tools = ['podman', 'runc', 'iptables'].filter((tool) => !isInstalled(tool));
  const hasNetwork = HELPER_FOLDERS.some((folder) => existsSync(join(folder, 'netavark'))) || isInstalled('netavark');
  const reasons = [
    ...[...tools, ...(hasNetwork ? [] : ['netavark'])].map((tool) => `${tool} is not installed`),
    ...(process.getuid?.() === 0 ? [] : ['not root']),
  ];
  return reasons.length === 0 ? undefined : reasons.join(', ');
}

/** A call of podman, without the command itself. */
export interface EngineCommand {
  readonly options: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** A podman with images, containers and volumes of its own, all in one folder. */
export class Podman {
  readonly folder: string;
  readonly #options: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #service: ChildProcess | undefined;

  /** @param folder has at most 40 characters and is created; `dispose` removes it. An existing folder of another Podman is taken over. */
  constructor(folder: string) {
    this.folder = folder;
    const configuration = join(folder, 'containers.conf');
    mkdirSync(folder, { recursive: true });
    writeFileSync(configuration, CONFIGURATION);
    this.#env = { ...process.env, CONTAINERS_CONF: configuration, TMPDIR: folder };
    const places = { '--root': 'store', '--runroot': 'run', '--tmpdir': 'tmp' };
    this.#options = Object.entries(places).flatMap(([option, name]) => {
      mkdirSync(join(folder, name), { recursive: true });
      return [option, join(folder, name)];
    });
  }

  /** How other programs address it. */
  get command(): EngineCommand {
    const { CONTAINERS_CONF = '', TMPDIR = '' } = this.#env;
    return { options: [...this.#options, '--log-level=fatal'], variables: { CONTAINERS_CONF, TMPDIR } };
  }

  /** Runs one podman command to its end. */
  try(...args: readonly string[]): Result {
    const all = [...this.#options, '--log-level=fatal', ...args];
    return spawnSync('podman', all, { env: this.#env, encoding: 'utf8', timeout: 120_000 });
  }

  /** Its output. Throws with what it printed if it fails. */
  run(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.try(...args);
    if (status !== 0) throw new Error(`podman ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  /**
   * Serves the Docker API until `dispose`, or until this process ends.
   * @returns the address, for DOCKER_HOST
   * @throws Error if the API does not respond within 20 s
   */
  async serve(): Promise<string> {
    const socketPath = join(this.folder, 'podman.sock');
    const address = `unix://${socketPath}`;
    const command = ['podman', ...this.#options, '--log-level=error', 'system', 'service', '--time=0', address];
    const log = join(this.folder, 'podman.log');
    const output = openSync(log, 'a');
    const options = { detached: true, stdio: ['ignore', output, output], env: this.#env } satisfies SpawnOptions;
    const service = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], options);
    closeSync(output);
    this.#service = service;
    const failure = () => `podman does not serve the Docker API: ${readFileSync(log, 'utf8')}`;
    const serves = () => {
      if (service.exitCode !== null) throw new Error(failure());
      return responds(socketPath);
    };
    await until(serves, { withinMs: SERVES_WITHIN_MS, everyMs: 20, failure });
    return address;
  }

  /** Removes everything. Throws if something of it is still mounted. */
  dispose(): void {
    this.#service?.kill('SIGKILL');
    this.try('rm', '--all', '--force', '--volumes', '--time', '0');
    this.try('volume', 'rm', '--all', '--force');
    this.try('rmi', '--all', '--force');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    for (const line of mounts.filter((text) => text.includes(this.folder)).reverse()) {
      const point = line.split(' ')[4] ?? '';
      if (spawnSync('umount', [point]).status !== 0) throw new Error(`${point} must not stay mounted`);
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function responds(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ socketPath, path: '/_ping' }, (response) => resolve(response.resume().statusCode === 200))
      .on('error', () => resolve(false))
      .end();
  });
}
