import type { Command } from 'commander';
import { type DataDir, dataDirAt } from '../embedded/data-dir.ts';
import { findRunning, type Running } from '../embedded/running.ts';
import { CliError } from './exit-codes.ts';
import { commandFor, DEFAULT_DATA_DIR, dataDirOfClone, launcher, startCommandFor } from './launcher.ts';

/** What every command knows: where the platform lives, and how to answer. */
export interface CliContext {
  readonly dir: DataDir;
  /** How a hint calls the command line for this directory. */
  readonly tierplane: string;
  readonly json: boolean;
}

/** `--data-dir` and `--json` may stand before or after the command's name. */
export function contextOf(command: Command): CliContext {
  const given = ancestry(command).map((one) => one.opts<{ dataDir?: string; json?: boolean }>());
  const dataDir = given.find((options) => options.dataDir !== undefined)?.dataDir;
  const dir = dataDirAt(dataDir ?? process.env.TIERPLANE_DATA_DIR ?? DEFAULT_DATA_DIR);
  return {
    dir,
    tierplane: commandFor(dir),
    json: given.some((options) => options.json === true),
  };
}

function ancestry(command: Command): Command[] {
  return command.parent ? [command, ...ancestry(command.parent)] : [command];
}

/** The platform of this data directory. Throws notRunning where there is none. */
export function requireRunning(context: CliContext): Running {
  const running = findRunning(context.dir);
  if (running) return running;
  throw new CliError('notRunning', `no platform runs in ${context.dir.root}`, {
    hint: whereElse() ?? howToStart(context.dir),
  });
}

/** Where one runs, for somebody who looks for it in the wrong place; undefined if none runs there either. */
export function whereElse(): string | undefined {
  const other = dataDirOfClone();
  try {
    return other && findRunning(other) && `one runs in ${other.root}: say --data-dir ${other.root}`;
  } catch {
    // It is another user's: nothing for this one.
    return undefined;
  }
}

/** For somebody who wants what only a platform that runs, or ran, has. */
export function howToStart(dir: DataDir): string {
  return `start it with \`${startCommandFor(dir)}\`, or name its directory with --data-dir`;
}

/** The end of a command's `--help`. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${launcher()} ${line}`).join('\n')}`;
}

/** A whole number within bounds, for commander's option parsers. */
export function wholeNumber(name: string, min: number, max: number): (raw: string) => number {
  return (raw) => {
    const value = Number(raw);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new CliError('usage', `${name} must be a whole number from ${min} to ${max}, got '${raw}'`);
  };
}
