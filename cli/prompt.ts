import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { note } from './output.ts';

/**
 * Asks a question at the terminal, on stderr.
 *
 * @param options.hidden does not show what is typed. @default false
 * @returns the text without its line break; undefined for Ctrl-C and Ctrl-D
 */
export async function prompt(
  question: string,
  { hidden = false }: { readonly hidden?: boolean } = {},
): Promise<string | undefined> {
  const terminal = hidden
    ? createInterface({ input: process.stdin, output: nowhere(), terminal: true })
    : createInterface({ input: process.stdin, output: process.stderr });
  // After the interface has taken over the terminal: until then the terminal shows what is typed.
  if (hidden) process.stderr.write(question);
  // Ctrl-C and Ctrl-D close the interface, and its question then never resolves.
  const closed = once(terminal, 'close').then(() => undefined);
  const typed = await Promise.race([terminal.question(hidden ? '' : question), closed]).catch(() => undefined);
  terminal.close();
  if (hidden || typed === undefined) note('');
  return typed;
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
