import { Command, CommanderError } from 'commander';
import { programVersion } from '../adapters/embedded/program.ts';
import { withEnvironmentOfAws } from './aws.ts';
import { addCompletionCommand } from './completion.ts';
import { examples } from './context.ts';
import { addCredentialCommands } from './credentials.ts';
import { addDemoCommand } from './demo.ts';
import { addDoctorCommand } from './doctor.ts';
import { addEventCommands } from './events.ts';
import { asCliError, CliError, EXIT, EXIT_MEANINGS } from './exit-codes.ts';
import { launcher } from './launcher.ts';
import { addLifecycleCommands } from './lifecycle.ts';
import { addSignInCommands } from './login.ts';
import { addLogsCommand } from './logs.ts';
import { endWithReader, note, printJson } from './output.ts';
import { addServiceCommands } from './services.ts';
import { addTenantCommands } from './tenants.ts';
import { addThrottleTestCommand } from './throttle-test.ts';
import { addTokenCommand } from './token.ts';
import { addUserCommands } from './users.ts';

const DATA_DIR = [
  '--data-dir <path>',
  'a platform on this machine (default: TIERPLANE_DATA_DIR, or .tierplane)',
] as const;
const URL = ['--url <address>', 'any platform (default: TIERPLANE_URL, or the one of the last login)'] as const;
const AWS = [
  '--aws [environment]',
  'an installation in the AWS account of the current credentials (default environment: main)',
] as const;
const JSON_OUTPUT = ['--json', 'print results as JSON on stdout'] as const;

/** Runs the command line and sets the exit code of the process. @param argv as `process.argv` */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  endWithReader();
  await parse(argv).catch((error: unknown) => fail(error, argv.includes('--json')));
}

async function parse(argv: readonly string[]): Promise<void> {
  try {
    await parseProgram(argv);
  } catch (error) {
    if (!(error instanceof HelpOfUnknownCommand)) throw error;
    // Without --help, commander reports the unknown command and what the user may have shown.
    await parseProgram(argv.filter((word) => word !== '--help' && word !== '-h'));
  }
}

async function parseProgram(argv: readonly string[]): Promise<void> {
  const program = createProgram();
  const commands = program.commands.map((command) => command.name());
  await program.parseAsync(withEnvironmentOfAws(argv, commands));
}

/** commander shows a group's help for `tenants lst --help`. */
class HelpOfUnknownCommand extends Error {}

/** All commands with their options. */
export function createProgram(): Command {
  const program = new Command('tierplane')
    .description('Turns an application into tiered, multi-tenant SaaS, on one machine or on AWS.')
    .option(...DATA_DIR)
    .option(...URL)
    .option(...AWS)
    .option(...JSON_OUTPUT)
    .version(programVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(inOneSentence(text)) });
  addLifecycleCommands(program);
  addLogsCommand(program);
  addDoctorCommand(program);
  addSignInCommands(program);
  addTenantCommands(program);
  addUserCommands(program);
  addCredentialCommands(program);
  addServiceCommands(program);
  addEventCommands(program);
  addTokenCommand(program);
  addThrottleTestCommand(program);
  addDemoCommand(program);
  addCompletionCommand(program);
  const codes = Object.entries(EXIT).map(
    ([name, code]) => `  ${String(code).padEnd(3)} ${EXIT_MEANINGS[name as keyof typeof EXIT]}`,
  );
  program
    .addHelpText('after', examples('up', 'tenants create --help', 'status --json'))
    .addHelpText('after', `\nExit codes:\n${codes.join('\n')}`);
  program.showHelpAfterError(helpHint(launcher()));
  addCommonOptions(program, launcher());
  refuseHelpOfUnknownCommand(program);
  return program;
}

/** commander's `error: unknown command 'lst'\n(Did you mean list?)` in the form of all our errors. */
function inOneSentence(text: string): string {
  return text.replace(/^error: /, 'tierplane: ').replace(/\n\(Did you mean (.+)\?\)/, '; did you mean $1?');
}

function helpHint(command: string): string {
  return `  see \`${command} --help\``;
}

/** `tierplane tenants list --json` reads better than `tierplane --json tenants list`; both work. */
function addCommonOptions(command: Command, path: string): void {
  for (const child of command.commands) {
    const childPath = `${path} ${child.name()}`;
    child.exitOverride().showHelpAfterError(helpHint(childPath));
    if (child.commands.length === 0)
      child
        .option(...JSON_OUTPUT)
        .option(...DATA_DIR)
        .option(...URL)
        .option(...AWS);
    addCommonOptions(child, childPath);
  }
}

function refuseHelpOfUnknownCommand(program: Command): void {
  for (const group of [program, ...program.commands].filter(({ commands }) => commands.length > 0)) {
    group.addHelpText('before', () => {
      const word = group.args.find((one) => !one.startsWith('-'));
      if (word === undefined || word === 'help' || group.commands.some((one) => one.name() === word)) return '';
      throw new HelpOfUnknownCommand();
    });
  }
}

function fail(error: unknown, json: boolean): void {
  if (error instanceof CommanderError) {
    failUsage(error, json);
    return;
  }
  const shown = asCliError(error);
  const known = shown instanceof CliError ? shown : undefined;
  const message = shown instanceof Error ? shown.message : String(shown);
  process.exitCode = known?.exitCode ?? EXIT.failed;
  const { hint, platform } = known ?? {};
  if (json) printJson({ error: message, ...(hint && { hint }), ...(platform && { platform }) });
  note(`tierplane: ${message}${platform ? ` (${platform})` : ''}${hint ? `\n  ${hint}` : ''}`);
  if (!known && process.env.TIERPLANE_DEBUG && error instanceof Error) note(error.stack ?? '');
}

function failUsage(error: CommanderError, json: boolean): void {
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  // commander has printed the error already, except where it printed the help instead.
  if (error.code === 'commander.help') note(`\ntierplane: ${usageError(error)}`);
  if (json && error.exitCode !== 0) printJson({ error: usageError(error), hint: 'see --help' });
}

/** commander shows the help where a command is missing, with an error that has no message. */
function usageError(error: CommanderError): string {
  if (error.code === 'commander.help') return 'missing command; see --help';
  return inOneSentence(error.message).replace(/^tierplane: /, '');
}
