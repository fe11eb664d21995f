import { join } from 'node:path';
import { dockerStages } from '../../scripts/images/dockerfile.ts';

/** The stages of the Dockerfile of the embedded home. */
export const STAGES = dockerStages(join(import.meta.dirname, '..', '..', 'Dockerfile'));

/** The final stage as a file of its own: what it copies from the build stage, it copies from the context. */
export function finalStageAlone(): string {
  const lines = STAGES.at(-1)?.map(({ name, value }) => `${name} ${value.replace('--from=build ', '')}`);
  return `${lines?.join('\n')}\n`;
}
