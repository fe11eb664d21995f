import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Podman } from '../../rehearsal/podman.ts';
import { describeWithPodman } from '../support/container-engine.ts';
import { finalStageAlone, onlyValue, STAGES } from '../support/dockerfile.ts';
import { eventually } from './harness.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const IMAGE = 'tierplane-under-test';

const finalStage = (name: string) => onlyValue(STAGES.at(-1), name);

function healthCheck(): string[] {
  return JSON.parse(finalStage('HEALTHCHECK').replace(/^.* CMD /, ''));
}

/** What `podman image inspect` shows of an image. */
interface ImageData {
  readonly Config: Record<string, unknown>;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

describe('DX-8: the Dockerfile', () => {
  test('has a final stage from scratch, whose files all come from scripts/image-root.ts', () => {
    const [build, final] = STAGES;
    expect(STAGES.length).toBe(2);
    expect(build?.at(-1)?.value).toMatch(/npm ci .*npm run build .*npm run image-root -- \/image$/);
    expect(final?.[0]).toEqual({ name: 'FROM', value: 'scratch' });
    const copies = final?.filter(({ name }) => name === 'COPY' || name === 'ADD').map(({ value }) => value);
    expect(copies).toEqual([
      '--from=build /image/root/ /',
      `--from=build --chown=${finalStage('USER')} /image/data/ ${finalStage('VOLUME')}/`,
    ]);
    expect(final?.some(({ name }) => name === 'RUN')).toBe(false);
  });

  test('and compose.yaml agree on the data directory and the port', () => {
    const compose = readFileSync(join(ROOT, 'compose.yaml'), 'utf8');
    const port = finalStage('EXPOSE');
    expect(compose).toContain(`- data:${finalStage('VOLUME')}\n`);
    expect(compose).toContain(`- 127.0.0.1:${port}:${port}\n`);
    expect(finalStage('HEALTHCHECK')).toContain(`http://127.0.0.1:${port}/readyz`);
    expect(finalStage('ENV')).toContain(`TIERPLANE_DATA_DIR=${finalStage('VOLUME')}`);
    for (const line of ['read_only: true', 'cap_drop:\n      - ALL', '- no-new-privileges:true', 'init: true'])
      expect(compose).toContain(line);
  });
});

describeWithPodman('DX-8: the container', () => {
  let engine: Podman;

  /** What compose.yaml sets, but for ports: nothing outside the container can reach it, nor it anything. */
  function start(name: string): void {
    const options = [
      '--read-only',
      '--read-only-tmpfs=false',
      '--tmpfs',
      '/tmp',
      '--cap-drop',
      'all',
      '--network',
      'none',
    ];
    const security = ['--security-opt', 'no-new-privileges', '--volume', `data:${finalStage('VOLUME')}`];
    engine.run('run', '--detach', '--name', name, ...options, ...security, IMAGE);
  }

  async function healthy(name: string): Promise<void> {
    await eventually(`${name} is healthy`, () => engine.try('healthcheck', 'run', name).status === 0, 60_000);
  }

  beforeAll(() => {
    engine = new Podman(mkdtempSync(join(tmpdir(), 'tp-podman-')));
    const context = join(engine.folder, 'context');
    mkdirSync(context);
    const made = spawnSync(process.execPath, ['scripts/image-root.ts', join(context, 'image')], { cwd: ROOT });
    expect([made.status, String(made.stderr)]).toEqual([0, '']);
    writeFileSync(join(context, 'Containerfile'), finalStageAlone());
    engine.run('build', '--format', 'docker', '--tag', IMAGE, '--file', join(context, 'Containerfile'), context);
    const size = Number(engine.run('image', 'inspect', '--format', '{{.Size}}', IMAGE));
    process.stderr.write(`container image: ${(size / 1_000_000).toFixed(0)} MB\n`);
  }, 120_000);

  afterAll(() => engine.dispose(), 60_000);

  test('is what the Dockerfile describes: user, command, environment, volume, health check', () => {
    const [image] = JSON.parse(engine.run('image', 'inspect', IMAGE)) as [ImageData];
    expect(image.Config).toMatchObject({
      User: finalStage('USER'),
      WorkingDir: finalStage('WORKDIR'),
      Env: finalStage('ENV').split(' '),
      Entrypoint: JSON.parse(finalStage('ENTRYPOINT')),
      Cmd: JSON.parse(finalStage('CMD')),
      Volumes: { [finalStage('VOLUME')]: {} },
      ExposedPorts: { [`${finalStage('EXPOSE')}/tcp`]: {} },
    });
    expect(image.Healthcheck?.Test).toEqual(['CMD', ...healthCheck()]);
  });

  test('serves without root, without capabilities and with a read-only root, and stops in order', async () => {
    start('first');
    await healthy('first');
    const list = await eventually(
      'the demo tenants are active',
      () => {
        const { stdout } = engine.try('exec', 'first', 'tierplane', 'tenants', 'list');
        return (stdout.match(/ active /g) ?? []).length === 3 && stdout;
      },
      60_000,
    );
    expect(list).toMatch(/^initech +premium +active/m);
    const status = engine.run('exec', 'first', 'node', '-p', 'require("fs").readFileSync("/proc/1/status", "utf8")');
    const [uid] = finalStage('USER').split(':');
    expect(status).toMatch(new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(engine.try('exec', 'first', 'node', '-e', 'require("fs").writeFileSync("/app/x", "")').stderr).toContain(
      'EROFS',
    );
    expect(engine.try('exec', 'first', 'sh').status).not.toBe(0);
    engine.run('stop', '--time', '30', 'first');
    expect(engine.run('inspect', '--format', '{{.State.ExitCode}}', 'first').trim()).toBe('0');
  }, 120_000);

  test('finds its data again when it is replaced', async () => {
    engine.run('rm', 'first');
    start('second');
    await healthy('second');
    expect(engine.run('exec', 'second', 'tierplane', 'tenants', 'list')).toMatch(/^acme +basic +active/m);
  }, 120_000);

  test('is unhealthy when the platform does not serve', () => {
    const entrypoint = JSON.stringify(healthCheck());
    const { status } = engine.try('run', '--rm', '--network', 'none', '--entrypoint', entrypoint, IMAGE);
    expect(status).toBe(1);
  }, 30_000);
});
