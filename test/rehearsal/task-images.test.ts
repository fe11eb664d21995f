import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ContainerEngine } from '../../rehearsal/container-engine.ts';
import { Podman } from '../../rehearsal/podman.ts';
import { buildImage, MAX_IMAGE_BYTES } from '../../rehearsal/task/images.ts';
import { buildBundles } from '../../rehearsal/task/scene.ts';
import { dockerStages } from '../../scripts/images/dockerfile.ts';
import { DOCKERFILE, finalStageFromScratch, imageNames } from '../../scripts/images/from-scratch.ts';
import { describeWithPodman } from '../support/container-engine.ts';
import { onlyValue } from '../support/dockerfile.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const STAGES = dockerStages(DOCKERFILE);
const FINAL = STAGES.at(-1) ?? [];
/** As an ECS task definition sets them. */
const LIMITS = ['--read-only', '--read-only-tmpfs=false', '--cap-drop', 'all', '--network', 'none'];

const finalStage = (name: string) => onlyValue(FINAL, name);

describe('services/Dockerfile', () => {
  test('runs commands in the build stage only, which runs on the architecture of the building machine', () => {
    const running = STAGES.filter((stage) => stage.some(({ name }) => name === 'RUN'));
    expect(running.map(([from]) => from?.value)).toEqual(['--platform=$BUILDPLATFORM node:24-bookworm-slim AS build']);
    expect(running[0]?.some(({ name, value }) => name === 'ARG' && value === 'SERVICE')).toBe(true);
    expect(running[0]?.at(-1)?.value).toMatch(
      /^npm ci --ignore-scripts && npm run build && cp dist\/aws\/\$SERVICE\.cjs /,
    );
  });

  test('has a base image without a shell, a user other than root, and a health check of the port', () => {
    expect(FINAL[0]?.value).toBe('gcr.io/distroless/cc-debian12:nonroot');
    expect(finalStage('USER')).toBe('65532:65532');
    expect(finalStage('HEALTHCHECK')).toContain(`http://127.0.0.1:${finalStage('EXPOSE')}/healthz`);
    const known = ['FROM', 'COPY', 'USER', 'WORKDIR', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'ENTRYPOINT'];
    expect(FINAL.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  test('and the build from scratch have the same instructions, but for the base and the origin of files', () => {
    const fromScratch = finalStageFromScratch().trimEnd().split('\n');
    const described = FINAL.map(({ name, value }) => `${name} ${value}`);
    expect(fromScratch.map((line, i) => [line, described[i]]).filter(([one, other]) => one !== other)).toEqual([
      ['FROM scratch', 'FROM gcr.io/distroless/cc-debian12:nonroot'],
      ['COPY node/ /', 'COPY --from=node /usr/local/bin/node /usr/local/bin/node'],
      ['COPY service.cjs /app/service.cjs', 'COPY --from=build /service.cjs /app/service.cjs'],
    ]);
  });
});

describeWithPodman('the images of services and of ingress', () => {
  let podman: Podman;
  const sizes = new Map<string, number>();

  beforeAll(async () => {
    await buildBundles();
    podman = new Podman(mkdtempSync(join(tmpdir(), 'tp-podman-')));
    const engine: Pick<ContainerEngine, 'build' | 'run' | 'imagePrefix'> = {
      imagePrefix: '',
      build: (tag, folder) =>
        void podman.run('build', '--format', 'docker', '--tag', tag, '--file', join(folder, 'Containerfile'), folder),
      run: (...args) => podman.run(...args),
    };
    for (const name of imageNames()) sizes.set(name, buildImage(engine, name, name));
  }, 180_000);
  afterAll(() => podman.dispose(), 60_000);

  test.each(imageNames())('the image of %s is small, and what the Dockerfile describes', (name) => {
    expect(sizes.get(name)).toBeLessThan(MAX_IMAGE_BYTES);
    const [image] = JSON.parse(podman.run('image', 'inspect', name)) as [
      { Config: Record<string, unknown>; Healthcheck?: { Test: string[] } },
    ];
    expect(image.Config).toMatchObject({
      User: finalStage('USER'),
      WorkingDir: finalStage('WORKDIR'),
      Env: finalStage('ENV').split(' '),
      Entrypoint: JSON.parse(finalStage('ENTRYPOINT')),
      ExposedPorts: { [`${finalStage('EXPOSE')}/tcp`]: {} },
    });
    expect(image.Healthcheck?.Test).toEqual(['CMD', ...JSON.parse(finalStage('HEALTHCHECK').replace(/^.* CMD /, ''))]);
    expect(podman.try('run', '--rm', ...LIMITS, '--entrypoint', 'sh', name).status).not.toBe(0);
  });

  test.each(imageNames())('%s without configuration exits with 78 and names the variables', (name) => {
    const { status, stderr } = podman.try('run', '--rm', ...LIMITS, name);
    expect(status).toBe(78);
    expect(stderr).toMatch(
      new RegExp(`^${name}: invalid environment of (the task|ingress) \\(\\d+ errors?\\):\n  \\w+: `),
    );
  });

  test('ingress reaches the service that a path names by its name, gives 503 without it, and drains at SIGTERM', async () => {
    const environment = [
      'TIERPLANE_ROUTED_SERVICES=orders,products',
      'TIERPLANE_SERVICE_PORT=9090',
      'TIERPLANE_STAGE=prod',
    ];
    const hosts = ['--add-host', 'products:127.0.0.1', '--add-host', 'orders:127.0.0.2'];
    const options = [...hosts, ...environment.flatMap((one) => ['--env', one])];
    podman.run('run', '--detach', '--name', 'ingress', ...LIMITS, ...options, 'ingress');
    await until(() => podman.try('healthcheck', 'run', 'ingress').status === 0, 30_000);
    const service = `require('node:http').createServer((q, r) => r.end('products got ' + q.url)).listen(9090, '127.0.0.1')`;
    podman.run('exec', '--detach', 'ingress', 'node', '-e', service);
    const get = (path: string): string => {
      const script = `fetch('http://127.0.0.1:8080${path}').then(async (r) => console.log(r.status, await r.text()))`;
      return podman.run('exec', 'ingress', 'node', '-e', script).trim();
    };
    await until(() => get('/prod/products/p1?x=1') === '200 products got /products/p1?x=1', 30_000);
    expect(get('/orders')).toMatch(/^503 .*urn:tierplane:problem:unavailable/);
    expect(get('/users')).toMatch(/^404 .*urn:tierplane:problem:not-found/);
    const status = podman.run('exec', 'ingress', 'node', '-p', 'require("fs").readFileSync("/proc/1/status", "utf8")');
    expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    const write = podman.try('exec', 'ingress', 'node', '-e', 'require("fs").writeFileSync("/app/x", "")');
    expect(write.stderr).toContain('EROFS');
    podman.run('stop', '--time', '30', 'ingress');
    expect(podman.run('inspect', '--format', '{{.State.ExitCode}}', 'ingress').trim()).toBe('0');
  });
});
