import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CliError } from './exit-codes.ts';
import { note } from './output.ts';

/**
 * A new password: asked for twice at a terminal, without showing it, or else all of standard input without the line break
 * at its end. Throws usage for an empty password or two different ones, interrupted for Ctrl-C and Ctrl-D.
 */
export async function readNewPassword(label: string): Promise<string> {
  if (!process.stdin.isTTY) {
    const password = (await text(process.stdin)).replace(/\r?\n$/, '');
    if (password === '') throw new CliError('usage', 'standard input must hold the password, but it is empty');
    return password;
  }
  const password = await askHidden(`${label}: `);
  if (password === '') throw new CliError('usage', 'the password must not be empty; nothing was changed');
  if (password !== (await askHidden('Repeat it: '))) {
    throw new CliError('usage', 'the two passwords must be equal; nothing was changed');
  }
  return password;
}

/** Asks a question at the terminal and does not show what is typed. */
async function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  // Ctrl-C and Ctrl-D close the prompt, and its question then never resolves.
  const closed = once(prompt, 'close').then(() => undefined);
  const typed = await Promise.race([prompt.question(''), closed]).catch(() => undefined);
  prompt.close();
  note('');
  if (typed === undefined) throw new CliError('interrupted', 'nothing was changed');
  return typed;
}
