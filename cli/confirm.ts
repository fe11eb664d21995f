import { CliError } from './exit-codes.ts';
import { prompt } from './prompt.ts';

/**
 * Asks the user to type the name of what a command is about to delete. Throws usage without a terminal or for another
 * name, interrupted for Ctrl-C and Ctrl-D.
 */
export async function confirmByName(name: string, warning: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CliError('usage', 'without a terminal to ask for confirmation, deleting needs --yes');
  }
  const typed = await prompt(`${warning}\nType the name to continue: `);
  if (typed === undefined) throw new CliError('interrupted', 'nothing was deleted');
  if (typed.trim() !== name) throw new CliError('usage', 'the name does not match; nothing was deleted');
}
