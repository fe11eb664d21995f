import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { CliError } from './exit-codes.ts';
import { note } from './output.ts';

/**
 * Asks the user to type the name of what a command is about to delete. Throws usage without a terminal or for another
 * name, interrupted for Ctrl-C and Ctrl-D.
 */
export async function confirmByName(name: string, warning: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CliError('usage', 'without a terminal to ask for confirmation, deleting needs --yes');
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D close the prompt, and its question then never resolves.
  const closed = once(prompt, 'close').then(() => undefined);
  const question = prompt.question(`${warning}\nType the name to continue: `);
  const typed = await Promise.race([question, closed]).catch(() => undefined);
  prompt.close();
  if (typed === undefined) {
    note('');
    throw new CliError('interrupted', 'nothing was deleted');
  }
  if (typed.trim() !== name) throw new CliError('usage', 'the name does not match; nothing was deleted');
}
