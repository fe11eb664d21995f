import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { collectOutput } from '../support/collect-output.ts';
import { eventually, KILLED } from './harness.ts';

/** The package as npm installs it, without a clone: packed, installed under a prefix of its own, started in an empty folder. */
const ROOT = join(import.meta.dirname, '..', '..');
/** The folder of the Node that runs the tests, which is 24 or newer. */
const NODE_24 = join(process.execPath, '..');
/** Folders of the machine itself: `npm test` puts this repository's Node first. */
const MACHINE_PATH = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** What `bin/tierplane` calls. */
const TOOLS = ['sh', 'readlink', 'dirname'];

const scratch = mkdtempSync(join(tmpdir(), 'tp-package-'));
const prefix = join(scratch, 'prefix');
let packed: Packed;

function npm(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

beforeAll(() => {
  [packed] = JSON.parse(npm('pack', '--json', '--pack-destination', scratch)) as [Packed];
  const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(2)} MB`;
  process.stderr.write(`package: tarball ${megabytes(packed.size)}, unpacked ${megabytes(packed.unpackedSize)}\n`);
  npm('install', '--global', '--prefix', prefix, '--prefer-offline', join(scratch, packed.filename));
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

test('DX-8: the package holds what runs and its documents, and neither sources nor tests', () => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of ['bin/tierplane', 'dist/tierplane.cjs', 'dist/THIRD-PARTY-NOTICES.txt', 'docs/cli.md', 'LICENSE'])
    expect(paths).toContain(path);
  const allowed = /^(bin\/tierplane|dist\/.+\.(cjs|txt)|docs\/.+\.md|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/;
  expect(paths.filter((path) => !allowed.test(path))).toEqual([]);
  expect(packed.size).toBeLessThan(3_000_000);
});

/** An empty folder, and the installed command as a shell finds it there. */
class Shell {
  readonly folder: string;
  readonly #env: Record<string, string>;

  constructor(name: string, path: readonly string[]) {
    this.folder = join(scratch, name);
    mkdirSync(this.folder);
    this.#env = { PATH: [join(prefix, 'bin'), ...path].join(delimiter), HOME: join(scratch, 'home') };
  }

  start(...args: readonly string[]) {
    return spawn('tierplane', args, { cwd: this.folder, env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async run(...args: readonly string[]) {
    const child = this.start(...args);
    const output = collectOutput(child);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? KILLED, ...output };
  }

  /** Runs the quick start: up, list, down. */
  async quickStart(): Promise<void> {
    const up = this.start('up', '--port', '0');
    const output = collectOutput(up);
    const ended = once(up, 'exit');
    const isReady = () => {
      if (up.exitCode !== null) throw new Error(`up ended with ${up.exitCode}: ${output.stderr}`);
      return output.stdout.includes('Ctrl-C stops it');
    };
    try {
      await eventually('the platform is ready', isReady, 60_000);
      expect(output.stdout).toContain(`${this.folder}/.tierplane\n`);
      expect(output.stdout).toContain('\n  tierplane tenants list\n  tierplane demo\n');
      const list = await this.run('tenants', 'list');
      for (const tenant of [/^acme +basic +active/m, /^globex +advanced +active/m, /^initech +premium +active/m])
        expect(list.stdout).toMatch(tenant);
      expect(await this.run('down')).toMatchObject({ code: 0, stdout: 'the platform has stopped\n' });
      expect(await ended).toEqual([0, null]);
      expect(output.stderr).toContain('`tierplane up`');
    } finally {
      up.kill('SIGKILL');
    }
  }
}

describe('DX-8: installed from its tarball, where the machine has a Node of its own,', () => {
  const shell = new Shell('any-node', MACHINE_PATH);

  test('tierplane starts in an empty folder, lists the demo tenants and stops', () => shell.quickStart(), 120_000);

  test('tierplane calls itself by its name in its help', async () => {
    const help = await shell.run('tenants', 'create', '--help');
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('  $ tierplane tenants create ') });
    expect(help.stdout).not.toContain('npx');
  });
});

test('DX-8: installed in a project, npx finds tierplane and the Node beside it', () => {
  const project = join(scratch, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{}');
  const options = {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: MACHINE_PATH.join(delimiter), HOME: process.env.HOME },
  } as const;
  const install = spawnSync('npm', ['install', '--prefer-offline', join(scratch, packed.filename)], options);
  expect([install.status, install.stderr]).toEqual([0, '']);
  const help = spawnSync('npx', ['--no-install', 'tierplane', 'up', '--help'], options);
  expect([help.status, help.stdout]).toEqual([0, expect.stringContaining('  $ npx tierplane up\n')]);
}, 60_000);

describe('DX-8: installed where npm has no Node to bring along,', () => {
  beforeAll(() => {
    rmSync(join(prefix, 'lib', 'node_modules', 'tierplane', 'node_modules'), { recursive: true, force: true });
  });

  test(
    'tierplane runs with a Node 24 of the PATH',
    () => new Shell('node-24', [NODE_24, ...MACHINE_PATH]).quickStart(),
    120_000,
  );

  test('tierplane says which Node it needs, and exits with 78, if there is none', async () => {
    const bare = join(scratch, 'tools');
    mkdirSync(bare);
    for (const tool of TOOLS) symlinkSync(`/bin/${tool}`, join(bare, tool));
    const shell = new Shell('no-node', [bare]);
    const { code, stderr } = await shell.run('up');
    expect([code, stderr]).toEqual([78, expect.stringContaining('tierplane needs Node 24 or newer, found none.')]);
    expect(existsSync(join(shell.folder, '.tierplane'))).toBe(false);
  });
});
