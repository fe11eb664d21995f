import type { Command } from 'commander';
import type { DataDir } from '../embedded/data-dir.ts';
import { findRunning, type Running } from '../embedded/running.ts';
import { CliError } from './exit-codes.ts';
import { commandFor, dataDirOfClone, launcher, startCommandFor } from './launcher.ts';
import { dataDirOf, optionsOf, type Target, targetOf } from './target.ts';

/** What every command knows: the platform it addresses, and how to print results. */
export interface CliContext {
  readonly target: Target;
  /** The command line for this platform, for hints. */
  readonly tierplane: string;
  readonly json: boolean;
}

/** The context of a command that works on a data directory of this machine. */
export interface LocalContext extends CliContext {
  readonly dir: DataDir;
}

/** `--url`, `--aws`, `--data-dir` and `--json` may stand before or after the command's name. */
export function contextOf(command: Command): CliContext {
  const { json, ...options } = optionsOf(command);
  const target = targetOf(options);
  return { target, tierplane: commandForTarget(target), json };
}

/** The context of a command that works on this machine, such as `up` or `logs`. Throws usage with --url or --aws. */
export function localContextOf(command: Command): LocalContext {
  const { json, ...options } = optionsOf(command);
  const dir = dataDirOf(options, command.name());
  return { target: { kind: 'data-dir', dir }, dir, tierplane: commandFor(dir), json };
}

function commandForTarget(target: Target): string {
  if (target.kind === 'data-dir') return commandFor(target.dir);
  if (target.kind === 'aws') return `${launcher()} --aws ${target.environment}`;
  return target.by === 'profile' ? launcher() : `${launcher()} --url ${target.url}`;
}

/** The platform of this data directory. Throws notRunning where there is none. */
export function requireRunning(dir: DataDir): Running {
  const running = findRunning(dir);
  if (running) return running;
  throw new CliError('notRunning', `no platform runs in ${dir.root}`, { hint: runningElsewhere() ?? howToStart(dir) });
}

/** A hint at the platform of the clone, for a command that looks in another directory; undefined if none runs there. */
export function runningElsewhere(): string | undefined {
  const other = dataDirOfClone();
  try {
    return other && findRunning(other) && `one runs in ${other.root}: add --data-dir ${other.root}`;
  } catch {
    // The directory belongs to another user.
    return undefined;
  }
}

/** A hint for a command that needs a platform, or what one has left. */
export function howToStart(dir: DataDir): string {
  return `start it with \`${startCommandFor(dir)}\`, or name another platform with --data-dir, --url or --aws`;
}

/** The end of a command's `--help`. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${launcher()} ${line}`).join('\n')}`;
}

/** An option parser for a whole number within bounds. */
export function wholeNumber(name: string, min: number, max: number): (raw: string) => number {
  return (raw) => {
    const value = Number(raw);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new CliError('usage', `${name} must be a whole number from ${min} to ${max}, got '${raw}'`);
  };
}
