import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ContainerEngine, disposeContainersOf, startContainerEngine } from '../../rehearsal/container-engine.ts';
import { missingPodman, Podman } from '../../rehearsal/podman.ts';
import { describeUnless } from '../support/requirements.ts';

const TAG = '000000000000.dkr.ecr.us-east-1.amazonaws.com/shared:1';
const TITLE = 'accounts that share the engine at DOCKER_HOST';

// Docker is an alternative: CI needs podman only, so this suite may be skipped in CI, too.
if (spawnSync('docker', ['--version']).error) {
  process.stderr.write(`skipped: ${TITLE}: the docker command is not installed\n`);
  describe.skip(`${TITLE} (skipped: the docker command is not installed)`, suite);
} else {
  describeUnless(missingPodman(), TITLE, suite);
}

function suite(): void {
  const folder = mkdtempSync('/tmp/tp-docker-');
  let podman: Podman;

  /** Another program than the account sees the same engine. */
  const docker = (...args: string[]) => spawnSync('docker', args, { env: process.env, encoding: 'utf8' }).stdout.trim();
  const images = () => docker('images', '--format', '{{.Repository}}');
  const startEngine = (name: string) => startContainerEngine(join(folder, name), `tierplane-aws-${name}`);

  function buildImage(engine: ContainerEngine, content: string): void {
    const context = mkdtempSync(join(tmpdir(), 'tierplane-context-'));
    writeFileSync(join(context, 'content'), content);
    writeFileSync(join(context, 'Containerfile'), 'FROM scratch\nCOPY content /content\n');
    engine.build(TAG, context);
    rmSync(context, { recursive: true });
  }

  beforeAll(async () => {
    podman = new Podman(join(folder, 'podman'));
    process.env.DOCKER_HOST = await podman.serve();
  }, 60_000);
  afterAll(() => {
    delete process.env.DOCKER_HOST;
    podman.dispose();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('have images of their own under one name, list their own containers only, and leave nothing, even if they were killed', async () => {
    const [killed, other] = [await startEngine('Killed'), await startEngine('killed')];
    expect([killed.host, other.host]).toEqual([process.env.DOCKER_HOST, process.env.DOCKER_HOST]);
    buildImage(killed, 'one');
    buildImage(other, 'two');
    const label = 'tierplane.account=tierplane-aws-Killed';
    docker('create', '--name', 'task', '--label', label, `${killed.imagePrefix}${TAG}`, '/content');
    expect([killed.containers(), killed.containers('status=running'), other.containers()]).toEqual([['task'], [], []]);

    disposeContainersOf(join(folder, 'Killed'), 'tierplane-aws-Killed');
    expect(docker('ps', '--all', '--format', '{{.Names}}')).toBe('');
    expect(images()).toBe(`${other.imagePrefix}${TAG.replace(':1', '')}`);

    other.dispose();
    expect(images()).toBe('');
    expect(['Killed', 'killed'].filter((name) => existsSync(join(folder, name)))).toEqual([]);
  });
}
