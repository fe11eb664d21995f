import { confirmByName } from '../../cli/confirm.ts';
import { CliError } from '../../cli/exit-codes.ts';

/** `node confirm-by-name.ts NAME`: asks for confirmation as a delete command does, and ends with its exit code. */
const [, , name = ''] = process.argv;
try {
  await confirmByName(name, `This deletes ${name} and all of its data.`);
  process.stdout.write('deleted\n');
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  process.stdout.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
