import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { copyFile, copyProgram } from '../scripts/program-files.ts';
import type { ContainerEngine } from './container-engine.ts';

const NODE = '/usr/local/bin/node';

/** What an image has besides Node and its shared libraries. Paths are those in the image. */
export interface NodeImage {
  readonly tag: string;
  /** The script that the container runs. */
  readonly main: string;
  /** Text of files, by path. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Files of this machine to copy, by path. */
  readonly copies?: Readonly<Record<string, string>>;
}

/**
 * Builds an image from scratch, without a registry: this process's Node, its shared libraries and the given files. The image
 * has this machine's architecture, no shell, and runs as user 65532.
 */
export function buildNodeImage(engine: ContainerEngine, { tag, main, texts = {}, copies = {} }: NodeImage): void {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-image-'));
  try {
    copyProgram(process.execPath, join(folder, 'node'), NODE);
    mkdirSync(join(folder, 'files'));
    for (const [path, text] of Object.entries(texts)) writeText(join(folder, 'files', path), text);
    for (const [path, source] of Object.entries(copies)) copyFile(source, join(folder, 'files', path));
    // Node comes first, so that images share its layer.
    const lines = [
      'FROM scratch',
      'COPY node/ /',
      'COPY files/ /',
      'USER 65532:65532',
      `ENTRYPOINT ${JSON.stringify([NODE, main])}`,
    ];
    writeFileSync(join(folder, 'Containerfile'), `${lines.join('\n')}\n`);
    engine.build(tag, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
