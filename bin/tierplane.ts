import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { PROGRAM_DIR } from '../adapters/embedded/program.ts';
import { examples } from '../cli/context.ts';
import { addDemoCommand } from '../cli/demo.ts';
import { addDoctorCommand } from '../cli/doctor.ts';
import { addEventCommands } from '../cli/events.ts';
import { asCliError, CliError, EXIT, EXIT_MEANINGS } from '../cli/exit-codes.ts';
import { launcher } from '../cli/launcher.ts';
import { addLifecycleCommands } from '../cli/lifecycle.ts';
import { addLogsCommand } from '../cli/logs.ts';
import { endWithReader, note, printJson } from '../cli/output.ts';
import { addServiceCommands } from '../cli/services.ts';
import { addTenantCommands } from '../cli/tenants.ts';
import { addThrottleTestCommand } from '../cli/throttle-test.ts';
import { addTokenCommand } from '../cli/token.ts';
import { addUserCommands } from '../cli/users.ts';

/** The command line, and with `up` the embedded platform. */
function createProgram(): Command {
  const program = new Command('tierplane')
    .description('Turns an application into tiered, multi-tenant SaaS, on one machine or on AWS.')
    .option('--data-dir <path>', 'where the platform lives (default: TIERPLANE_DATA_DIR, or .tierplane)')
    .option('--json', 'results as JSON on stdout')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(inOneSentence(text)) });
  addLifecycleCommands(program);
  addLogsCommand(program);
  addDoctorCommand(program);
  addTenantCommands(program);
  addUserCommands(program);
  addServiceCommands(program);
  addEventCommands(program);
  addTokenCommand(program);
  addThrottleTestCommand(program);
  addDemoCommand(program);
  const codes = Object.entries(EXIT).map(
    ([name, code]) => `  ${String(code).padEnd(3)} ${EXIT_MEANINGS[name as keyof typeof EXIT]}`,
  );
  program
    .addHelpText('after', examples('up', 'tenants create --help', 'status --json'))
    .addHelpText('after', `\nExit codes:\n${codes.join('\n')}`);
  program.showHelpAfterError(whatMayBeSaid(launcher()));
  acceptGlobalsEverywhere(program, launcher());
  return program;
}

/** commander's `error: unknown command 'lst'\n(Did you mean list?)` as all our errors are. */
function inOneSentence(text: string): string {
  return text.replace(/^error: /, 'tierplane: ').replace(/\n\(Did you mean (.+)\?\)/, '; did you mean $1?');
}

function whatMayBeSaid(command: string): string {
  return `  \`${command} --help\` shows what may be said`;
}

/** `tierplane tenants list --json` reads better than `tierplane --json tenants list`; both work. */
function acceptGlobalsEverywhere(command: Command, path: string): void {
  for (const child of command.commands) {
    const childPath = `${path} ${child.name()}`;
    child.exitOverride().showHelpAfterError(whatMayBeSaid(childPath));
    if (child.commands.length === 0) {
      child.option('--json', 'results as JSON on stdout');
      child.option('--data-dir <path>', 'where the platform lives');
    }
    acceptGlobalsEverywhere(child, childPath);
  }
}

function fail(error: unknown, json: boolean): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    // commander has told people already, but for what it shows the help for.
    if (error.code === 'commander.help') note(`\ntierplane: ${commandLineFault(error)}`);
    if (json && error.exitCode !== 0)
      printJson({ error: commandLineFault(error), hint: 'add --help for what may be said' });
    return;
  }
  const meant = asCliError(error);
  const known = meant instanceof CliError ? meant : undefined;
  const message = meant instanceof Error ? meant.message : String(meant);
  process.exitCode = known?.exitCode ?? EXIT.failed;
  if (json) printJson({ error: message, ...(known?.hint ? { hint: known.hint } : {}) });
  note(`tierplane: ${message}${known?.hint ? `\n  ${known.hint}` : ''}`);
  if (!known && process.env.TIERPLANE_DEBUG && error instanceof Error) note(error.stack ?? '');
}

/** commander shows the help where a command is missing, and calls that an error without words. */
function commandLineFault(error: CommanderError): string {
  if (error.code === 'commander.help') return 'a command is missing; say one of those that the help lists';
  return inOneSentence(error.message).replace(/^tierplane: /, '');
}

function version(): string {
  const file = join(PROGRAM_DIR, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

endWithReader();
createProgram()
  .parseAsync(process.argv)
  .catch((error: unknown) => fail(error, process.argv.includes('--json')));
