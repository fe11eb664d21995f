import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** The stages of our Dockerfile, each a list of instructions that begins with FROM. Continued lines are not supported. */
export function dockerStages(): Instruction[][] {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8');
  const stages: Instruction[][] = [];
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name = '', value = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (name === '' || value.endsWith('\\')) throw new Error(`Dockerfile: cannot read '${line}'`);
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, value });
  }
  return stages;
}

/** The final stage as a file of its own: what it copies from the build stage, it copies from the context. */
export function finalStageAlone(): string {
  const lines = dockerStages()
    .at(-1)
    ?.map(({ name, value }) => `${name} ${value.replace('--from=build ', '')}`);
  return `${lines?.join('\n')}\n`;
}
