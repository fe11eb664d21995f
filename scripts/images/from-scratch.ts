import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serviceNames } from '../bundle.ts';
import { copyFile, copyProgram } from '../program-files.ts';
import { dockerStages } from './dockerfile.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const DOCKERFILE = join(ROOT, 'services', 'Dockerfile');

/** What `services/Dockerfile` makes images of: the services that have an entry point for AWS, and ingress. */
export function imageNames(): string[] {
  return [...serviceNames('server-aws.ts'), 'ingress'];
}

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
 * Writes what an engine needs to build the image of a service or of ingress without a registry: a `Containerfile`, and beside it
 * this machine's Node with its libraries and the bundle in dist/aws/, which must be up to date. Linux only.
 */
export function prepareImage(name: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  copyProgram(process.execPath, join(folder, 'node'), NODE);
  copyFile(join(ROOT, 'dist', 'aws', `${name}.cjs`), join(folder, 'service.cjs'));
  writeFileSync(join(folder, 'Containerfile'), finalStageFromScratch());
}
