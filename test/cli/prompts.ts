import { confirmByName } from '../../cli/confirm.ts';
import { CliError } from '../../cli/exit-codes.ts';
import { readNewPassword } from '../../cli/new-password.ts';

/**
 * `node prompts.ts confirm NAME`: asks for confirmation as a command that deletes does. `node prompts.ts password`: reads
 * a new password and prints it. Both end with the exit code of such a command.
 */
const [, , prompt, name = ''] = process.argv;
try {
  if (prompt === 'confirm') {
    await confirmByName(name, `This deletes ${name} and all of its data.`);
    process.stdout.write('deleted\n');
  } else {
    process.stdout.write(`the password is ${await readNewPassword('New password')}\n`);
  }
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  process.stdout.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
