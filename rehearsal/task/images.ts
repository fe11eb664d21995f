import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceNames } from '../../scripts/bundle.ts';
import { copyFile, copyProgram } from '../../scripts/program-files.ts';
import type { ContainerEngine } from '../container-engine.ts';
import { dockerStages } from '../dockerfile.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const DOCKERFILE = join(ROOT, 'services', 'Dockerfile');
/** The Dockerfile's limit. */
export const MAX_IMAGE_BYTES = 150_000_000;

/** What `services/Dockerfile` makes images of: the services that have an entry point for AWS, and ingress. */
export function imageNames(): string[] {
  return [...serviceNames('server-aws.ts'), 'ingress'];
}

/** The part of an engine that builds images. */
type Builder = Pick<ContainerEngine, 'build' | 'run'>;

const NODE = '/usr/local/bin/node';
const COPY_NODE = `--from=node ${NODE} ${NODE}`;
const COPY_SERVICE = '--from=build /service.cjs /app/service.cjs';

/**
 * The final stage of `services/Dockerfile` for a build without a registry: from scratch with this machine's Node and its
 * libraries (`node/`) instead of a base image, and with the bundle (`service.cjs`) from the context.
 * @throws Error if the stage copies anything else
 */
export function finalStageFromScratch(): string {
  const stage = dockerStages(DOCKERFILE).at(-1) ?? [];
  const lines = stage.map(({ name, value }) => {
    if (name === 'FROM') return 'FROM scratch';
    if (name !== 'COPY' && name !== 'ADD') return `${name} ${value}`;
    if (value === COPY_NODE) return 'COPY node/ /';
    if (value === COPY_SERVICE) return 'COPY service.cjs /app/service.cjs';
    throw new Error(`${DOCKERFILE}: the final stage must copy Node and the service only, got '${name} ${value}'`);
  });
  return `${lines.join('\n')}\n`;
}

/**
 * Builds the image of a service or of ingress from its bundle in dist/aws/, which must be up to date. It has this machine's
 * architecture.
 * @returns its size in bytes
 */
export function buildImage(engine: Builder, name: string, tag: string): number {
  return build(engine, tag, (folder) => {
    copyProgram(process.execPath, join(folder, 'node'), NODE);
    copyFile(join(ROOT, 'dist', 'aws', `${name}.cjs`), join(folder, 'service.cjs'));
    return finalStageFromScratch();
  });
}

/**
 * Builds an image that is another one with a further script beside the service. The service runs as before.
 * @param script the file to add; @param path where
 * @returns its size in bytes
 */
export function buildImageWith(
  engine: Builder,
  { base, tag, script, path }: { readonly base: string; readonly tag: string; readonly script: string; path: string },
): number {
  return build(engine, tag, (folder) => {
    copyFile(script, join(folder, 'script.cjs'));
    return `FROM ${base}\nCOPY script.cjs ${path}\n`;
  });
}

function build(engine: Builder, tag: string, prepare: (folder: string) => string): number {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-image-'));
  try {
    writeFileSync(join(folder, 'Containerfile'), prepare(folder));
    engine.build(tag, folder);
    return Number(engine.run('image', 'inspect', '--format', '{{.Size}}', tag));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
