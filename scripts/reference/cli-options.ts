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
const EVERYWHERE = /^(--json|--data-dir|-h, --help)/;

/** Every command with each of its options, as its `--help` describes them. */
export function cliOptions(): string {
  const top = helpOf([]);
  const general = entries(top, 'Options').map(({ term, description }) => [code('tierplane'), code(term), description]);
  const commands = commandsBelow([]).flatMap((words) => {
    const options = entries(helpOf(words), 'Options').filter(({ term }) => !EVERYWHERE.test(term));
    const rows = options.map(({ term, description }) => [code(term), description]);
    return (rows.length > 0 ? rows : [['-', '']]).map((row) => [code(words.join(' ')), ...row]);
  });
  return table(['Command', 'Option', 'Meaning'], [...general, ...commands]);
}

/** The words of each command that has no subcommands. */
function commandsBelow(words: readonly string[]): string[][] {
  const names = entries(helpOf(words), 'Commands')
    .map(({ term }) => term.split(' ')[0] ?? '')
    .filter((name) => name !== 'help');
  return names.length === 0 ? [[...words]] : names.flatMap((name) => commandsBelow([...words, name]));
}

function helpOf(words: readonly string[]): string {
  const args = [...words, '--help'];
  const { status, stdout, stderr } = spawnSync(COMMAND, args, { encoding: 'utf8', env: { ...process.env, COLUMNS } });
  if (status !== 0) throw new Error(`tierplane ${args.join(' ')} ended with ${status}: ${stderr}`);
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
