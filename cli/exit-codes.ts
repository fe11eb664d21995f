import { CONFIG_EXIT_CODE, type ErrorCode, isDomainError } from '../core/errors.ts';

/** The exit codes of `tierplane`; `tierplane --help` and docs/cli.md show this table. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  refused: 4,
  signIn: 5,
  timeout: 6,
  cannotCreate: 73,
  config: CONFIG_EXIT_CODE,
  interrupted: 130,
} as const;

export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  done: 'done',
  failed: 'unexpected failure; the message says which',
  usage: 'invalid command line',
  notRunning: 'no platform runs in this data directory or responds at this address',
  refused: 'the platform refused the request: bad input, not found, conflict',
  signIn: 'sign-in refused, or not signed in',
  timeout: 'not finished within the waiting time',
  cannotCreate: 'the data directory cannot be created, read or written',
  config: 'invalid configuration, port, store version or Node version; nothing was changed',
  interrupted: 'interrupted while waiting; the operation continues',
};

/** The exit codes of the errors that mean the same in every command. */
const EXIT_OF: Partial<Record<ErrorCode, keyof typeof EXIT>> = {
  CONFIG: 'config',
  CORRUPT: 'config',
  NOT_WRITABLE: 'cannotCreate',
};

/** An error as a CliError, if it means the same in every command; any other error as it is. */
export function asCliError(error: unknown): unknown {
  if (isDomainError(error)) {
    const exit = EXIT_OF[error.code];
    return exit === undefined ? error : new CliError(exit, error.message, { cause: error });
  }
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if ((code === 'EACCES' || code === 'EPERM') && path !== undefined) {
    return new CliError('cannotCreate', `${path} belongs to another user (${code})`, {
      cause: error,
      hint: 'run the command as the user who started the platform, or name a directory of your own with --data-dir',
    });
  }
  return error;
}

/** An expected failure of a command: one sentence for stderr, what to do about it, and the exit code. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;
  /** The address of the platform, where it is not the one of a data directory. */
  readonly platform: string | undefined;

  constructor(
    exit: keyof typeof EXIT,
    message: string,
    options: { readonly hint?: string; readonly platform?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = EXIT[exit];
    this.hint = options.hint;
    this.platform = options.platform;
  }
}
