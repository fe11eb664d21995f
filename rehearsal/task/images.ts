import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareImage } from '../../scripts/images/from-scratch.ts';
import { copyFile } from '../../scripts/program-files.ts';
import type { ContainerEngine } from '../container-engine.ts';

/** The Dockerfile's limit. */
export const MAX_IMAGE_BYTES = 150_000_000;

/** The part of an engine that builds images. */
type Builder = Pick<ContainerEngine, 'build' | 'run' | 'imagePrefix'>;

/**
 * Builds the image of a service or of ingress from its bundle in dist/aws/, which must be up to date. It has this machine's
 * architecture.
 * @returns its size in bytes
 */
export function buildImage(engine: Builder, name: string, tag: string): number {
  return build(engine, tag, (folder) => prepareImage(name, folder));
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
    writeFileSync(join(folder, 'Containerfile'), `FROM ${engine.imagePrefix}${base}\nCOPY script.cjs ${path}\n`);
  });
}

function build(engine: Builder, tag: string, prepare: (folder: string) => void): number {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-image-'));
  try {
    prepare(folder);
    engine.build(tag, folder);
    return Number(engine.run('image', 'inspect', '--format', '{{.Size}}', `${engine.imagePrefix}${tag}`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
