import { text } from 'node:stream/consumers';
import { CliError } from './exit-codes.ts';
import { prompt } from './prompt.ts';

/**
 * A new password. At a terminal the user enters it twice, and it is not shown; otherwise it is all of standard input without
 * the line break at its end. Throws usage for an empty password or two different ones, interrupted for Ctrl-C and Ctrl-D.
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

async function askHidden(question: string): Promise<string> {
  const typed = await prompt(question, { hidden: true });
  if (typed === undefined) throw new CliError('interrupted', 'nothing was changed');
  return typed;
}
