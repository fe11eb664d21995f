import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { describeUnless } from '../support/requirements.ts';

jest.setTimeout(60_000);

const ROOT = join(import.meta.dirname, '../..');
const LACKS = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'not root on Linux' : undefined;

/** Prints which engine starts, or why none does. */
const PROGRAM = `
import { missingContainerEngine, startContainerEngine } from './rehearsal/container-engine.ts';
const missing = missingContainerEngine();
const engine = missing === undefined ? await startContainerEngine(process.env.ENGINE_FOLDER, 'tierplane-aws-stub') : undefined;
console.log(JSON.stringify({ missing, host: engine?.host }));
engine?.dispose();
`;

/** Every other tool that an engine needs. */
const TOOLS = ['ip', 'flock', 'runc', 'iptables', 'netavark'];
const WORKS = '#!/bin/sh\nexit 0\n';
/** A docker that reaches the engine at its default address, or at the one in DOCKER_HOST, if the condition holds. */
const dockerIf = (condition: string) => `#!/bin/sh\n${condition}\n`;
const ALWAYS = 'exit 0';
const WITHOUT_HOST = '[ -z "$DOCKER_HOST" ]';
const WITH_HOST = '[ -n "$DOCKER_HOST" ]';
/** Starts the command after the options `--pdeathsig KILL`. */
const SETPRIV = '#!/bin/sh\n[ "$1" = --version ] && exit 0\nshift 2\nexec "$@"\n';
/** A podman that serves the one route of the Docker API by which its caller sees that it serves. */
const PODMAN = `#!${process.execPath}
const address = process.argv.at(-1);
if (address.startsWith('unix://')) {
  require('node:http').createServer((request, response) => response.end()).listen(address.slice('unix://'.length));
}
`;

describeUnless(LACKS, 'the container engine of an emulated account', () => {
  let folder = '';
  beforeEach(() => {
    // A podman has its socket there, so the path must be short.
    folder = mkdtempSync('/tmp/tp-engine-');
    mkdirSync(join(folder, 'bin'));
    for (const tool of TOOLS) install(tool, WORKS);
    install('setpriv', SETPRIV);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function install(tool: string, program: string): void {
    writeFileSync(join(folder, 'bin', tool), program);
    chmodSync(join(folder, 'bin', tool), 0o755);
  }
  const remove = (tool: string) => rmSync(join(folder, 'bin', tool));
  /** What a process finds whose PATH has the installed tools only. */
  async function found(env: Readonly<Record<string, string>> = {}): Promise<{ missing?: string; host?: string }> {
    const options = { cwd: ROOT, env: { PATH: join(folder, 'bin'), ENGINE_FOLDER: join(folder, 'engine'), ...env } };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM], options);
    return JSON.parse(stdout);
  }
  const DOCKER_HOST = 'tcp://127.0.0.1:1';

  test('is the one at DOCKER_HOST if that is set, before the Docker of this machine and podman', async () => {
    install('docker', dockerIf(WITH_HOST));
    install('podman', PODMAN);
    expect(await found({ DOCKER_HOST })).toEqual({ host: DOCKER_HOST });
  });

  test('is the Docker of this machine without DOCKER_HOST, before podman', async () => {
    install('docker', dockerIf(WITHOUT_HOST));
    install('podman', PODMAN);
    expect(await found()).toEqual({ host: 'unix:///var/run/docker.sock' });
  });

  test.each<[string, string | undefined]>([
    ['is not installed', undefined],
    ['reaches no engine', dockerIf('exit 1')],
  ])('is podman if docker %s', async (_what, docker) => {
    if (docker) install('docker', docker);
    install('podman', PODMAN);
    expect(await found()).toEqual({ host: `unix://${join(folder, 'engine/podman.sock')}` });
  });

  test('is missing if DOCKER_HOST does not respond, although Docker and podman would run', async () => {
    install('docker', dockerIf(WITHOUT_HOST));
    install('podman', PODMAN);
    expect(await found({ DOCKER_HOST })).toEqual({
      missing: 'DOCKER_HOST is set, but the docker command does not reach it',
    });
  });

  test('is missing by the name of each tool that podman lacks', async () => {
    for (const tool of ['runc', 'iptables']) remove(tool);
    expect((await found()).missing).toMatch(
      /^neither Docker nor podman can run: podman is not installed, runc is not installed, iptables is not installed/,
    );
  });

  test('needs the tools that assign addresses, whatever the engine', async () => {
    install('docker', dockerIf(ALWAYS));
    for (const tool of ['ip', 'flock']) remove(tool);
    expect(await found()).toEqual({ missing: 'ip, flock not installed' });
  });
});
