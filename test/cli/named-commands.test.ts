import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../cli/program.ts';
import { isTest, sourceFiles } from '../support/source-files.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** In a text, a command follows a quote, a backtick, `npx`, `see` or `Run`. */
const NAMED = /(?:['"`]|npx |[Ss]ee |Run |^ {2,})tierplane (?!--)([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm;

const commandIn = (parent: Command, name: string) =>
  parent.commands.find((one) => one.name() === name || one.aliases().includes(name));

/** Whether the command line has the command. Words after a command without subcommands are its arguments. */
function exists(program: Command, [first = '', second]: readonly (string | undefined)[]): boolean {
  const command = commandIn(program, first);
  if (!command || command.commands.length === 0 || second === undefined) return command !== undefined;
  return commandIn(command, second) !== undefined;
}

test('DX-2: the sources, scripts and alarms name only commands that exist', () => {
  const program = createProgram();
  const files = sourceFiles(/\.(ts|sh|py)$/).filter((file) => !isTest(file));
  const named = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(NAMED)].map(([text, ...words]) => ({ file, text, words })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ words }) => !exists(program, words)).map(({ file, text }) => `${file}: ${text}`)).toEqual([]);
});

test.each([
  [['tenants', 'list'], true],
  [['up', 'again'], true],
  [['events'], true],
  [['dead-letters', 'list'], false],
  [['events', 'list'], false],
])('of %j is known whether it exists: %s', (words, known) => {
  expect(exists(createProgram(), words)).toBe(known);
});
