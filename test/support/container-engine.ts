import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeUnless } from './requirements.ts';

/** Raises no rlimits, uses no systemd and keeps its locks in the engine's folder. */
const CONFIGURATION = `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
`;

/** A suite that needs podman and runc, as root. */
export function describeWithPodman(title: string, suite: () => void): void {
  const tools = ['podman', 'runc'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  const reasons = [
    ...tools.map((tool) => `${tool} is not installed`),
    ...(process.getuid?.() === 0 ? [] : ['not root']),
  ];
  describeUnless(reasons.length === 0 ? undefined : reasons.join(', '), title, suite);
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A podman with images, containers and volumes of its own, all in one temporary folder. */
export class ContainerEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'tp-podman-'));
  readonly #options: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor() {
    const configuration = join(this.folder, 'containers.conf');
    writeFileSync(configuration, CONFIGURATION);
    this.#env = { ...process.env, CONTAINERS_CONF: configuration, TMPDIR: this.folder };
    const places = { '--root': 'store', '--runroot': 'run', '--tmpdir': 'tmp' };
    this.#options = Object.entries(places).flatMap(([option, name]) => {
      mkdirSync(join(this.folder, name));
      return [option, join(this.folder, name)];
    });
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

  /** Removes everything. Throws if something of it is still mounted. */
  dispose(): void {
    this.try('rm', '--all', '--force', '--volumes', '--time', '0');
    this.try('volume', 'rm', '--all', '--force');
    this.try('rmi', '--all', '--force');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    for (const line of mounts.filter((text) => text.includes(this.folder)).reverse()) {
      const point = line.split(' ')[4] ?? '';
      if (spawnSync('umount', [point]).status !== 0) throw new Error(`${point} must not stay mounted`);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
