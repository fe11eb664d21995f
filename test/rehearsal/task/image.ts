import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { ContainerEngine } from '../../../rehearsal/container-engine.ts';
import { buildNodeImage } from '../../../rehearsal/node-image.ts';

export const IMAGE = '000000000000.dkr.ecr.us-east-1.amazonaws.com/launcher-test:1';

/** Builds the image of server.ts in the engine. */
export function buildTaskImage(engine: ContainerEngine): void {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'server.ts')],
    ...{ bundle: true, write: false, minify: true, platform: 'node', format: 'cjs', target: 'node24' },
  });
  buildNodeImage(engine, { tag: IMAGE, main: '/server.cjs', texts: { '/server.cjs': outputFiles[0]?.text ?? '' } });
}
