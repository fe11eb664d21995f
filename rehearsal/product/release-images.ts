import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerEngine } from '../container-engine.ts';
import { ACCOUNT_ID, REGION } from '../emulated-account.ts';
import { buildImageWith } from '../task/images.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What the images of services run. */
const PROGRAM = '/app/service.cjs';

/** The release that scripts/install.sh builds by default. */
export const RELEASE = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** The name of an image of the installed release. */
export function imageOf(service: string, release = RELEASE): string {
  return `${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/tierplane-main/${service}:${release}`;
}

/**
 * Runs `run` while new tasks of a service run another program than its own, as if the release had been built with it.
 * @param options.program a file of this machine, which is removed
 * @param options.release @default - the first one
 */
export async function whileServiceRuns<T>(
  engine: ContainerEngine,
  options: { readonly service: string; readonly program: string; readonly release?: string },
  run: () => Promise<T>,
): Promise<T> {
  const { service, program, release } = options;
  const image = imageOf(service, release);
  const kept = imageOf(service, 'kept');
  const local = (name: string): string => `${engine.imagePrefix}${name}`;
  engine.run('tag', local(image), local(kept));
  buildImageWith(engine, { base: kept, tag: image, script: program, path: PROGRAM });
  try {
    return await run();
  } finally {
    engine.run('tag', local(kept), local(image));
    rmSync(program, { force: true });
  }
}
