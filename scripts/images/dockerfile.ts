import { readFileSync } from 'node:fs';

/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** The stages of a Dockerfile, each a list of instructions that begins with FROM. Continued lines are not supported. */
export function dockerStages(file: string): Instruction[][] {
  const stages: Instruction[][] = [];
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const line of lines.filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name = '', value = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (name === '' || value.endsWith('\\')) throw new Error(`${file}: cannot read '${line}'`);
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, value });
  }
  return stages;
}
