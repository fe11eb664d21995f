import { join } from 'node:path';
import { dockerStages, type Instruction } from '../../scripts/images/dockerfile.ts';

/** The stages of the Dockerfile of the embedded home. */
export const STAGES = dockerStages(join(import.meta.dirname, '..', '..', 'Dockerfile'));

/** The value of the one instruction of this name in a stage. Throws if there is none, or more than one. */
export function onlyValue(stage: readonly Instruction[] | undefined, name: string): string {
  const [only, ...more] = stage?.filter((one) => one.name === name) ?? [];
  if (!only || more.length > 0) throw new Error(`the stage must have one ${name}`);
  return only.value;
}

/** The final stage as a file of its own: what it copies from the build stage, it copies from the context. */
export function finalStageAlone(): string {
  const lines = STAGES.at(-1)?.map(({ name, value }) => `${name} ${value.replace('--from=build ', '')}`);
  return `${lines?.join('\n')}\n`;
}
