import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { code, table } from './markdown.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tierplane');
/** Wide enough that no description is wrapped. */
const COLUMNS = '1000';

interface Entry {
  readonly term: string;
  readonly description: string;
}

/** Options that every command has. */
const EVERYWHERE = /^(--json|--data-dir|--url|-h, --help)/;

/** Every command with each of its options, as its `--help` describes them. */
export function cliOptions(): string {
  return table(['Command', 'Option', 'Meaning'], rowsBelow([]));
}

/** The rows of a command and of all its subcommands. */
function rowsBelow(words: readonly string[]): string[][] {
  const help = helpOf(words);
  const names = entries(help, 'Commands').map(({ term }) => term.split(' ')[0] ?? '');
  const isLeaf = names.length === 0;
  const options = entries(help, 'Options').filter(({ term }) => words.length === 0 || !EVERYWHERE.test(term));
  const rows = options.map(({ term, description }) => [code(words.join(' ') || 'tierplane'), code(term), description]);
  const own = isLeaf && rows.length === 0 ? [[code(words.join(' ')), '-', '']] : rows;
  const below = names.filter((name) => name !== 'help').flatMap((name) => rowsBelow([...words, name]));
  return words.length === 0 || isLeaf ? [...own, ...below] : below;
}

/** Every command without subcommands, with what it does. */
export function cliCommands(): string {
  return table(['Command', 'Does'], commandsBelow([]));
}

function commandsBelow(words: readonly string[]): string[][] {
  return entries(helpOf(words), 'Commands').flatMap(({ term, description }) => {
    const [name = '', ...rest] = term.split(' ').filter((part) => part !== '[options]');
    const below = name === 'help' ? [] : commandsBelow([...words, name]);
    const own = name === 'help' ? [] : [[code([...words, name, ...rest].join(' ')), description]];
    return below.length > 0 ? below : own;
  });
}

const helpTexts = new Map<string, string>();

function helpOf(words: readonly string[]): string {
  const args = [...words, '--help'];
  const known = helpTexts.get(args.join(' '));
  if (known !== undefined) return known;
  const { status, stdout, stderr } = spawnSync(COMMAND, args, { encoding: 'utf8', env: { ...process.env, COLUMNS } });
  if (status !== 0) throw new Error(`tierplane ${args.join(' ')} ended with ${status}: ${stderr}`);
  helpTexts.set(args.join(' '), stdout);
  return stdout;
}

/** The lines of one section of a help text: a term, two spaces or more, a description that may go on. */
function entries(help: string, section: string): Entry[] {
  const body = help.split(`\n${section}:\n`)[1]?.split('\n\n')[0] ?? '';
  return body
    .replaceAll(/\n {4,}/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, term, description] = /^ {2}(\S.*?) {2,}(.*)$/.exec(line) ?? [];
      return term === undefined ? [] : [{ term, description: description ?? '' }];
    });
}
