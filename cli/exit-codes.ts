import { isDomainError } from '../core/errors.ts';

/** What `tierplane` exits with; `tierplane --help` and docs/cli.md show this table. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  refused: 4,
  signIn: 5,
  timeout: 6,
  cannotCreate: 73,
  config: 78,
  interrupted: 130,
} as const;

export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  done: 'done',
  failed: 'something failed that should not have; the message says what',
  usage: 'the command line is wrong',
  notRunning: 'no platform runs in this data directory',
  refused: 'the platform refused: bad input, not found, conflict',
  signIn: 'sign-in was refused',
  timeout: 'still not finished when the waiting time was over',
  cannotCreate: 'the data directory cannot be created, read or written',
  config: 'configuration, port, store version or Node version is wrong; nothing was changed',
  interrupted: 'Ctrl-C while waiting; what was asked for goes on',
};

/** What a failure that no command foresaw means, as far as it can be told. */
export function asCliError(error: unknown): unknown {
  if (error instanceof CliError) return error;
  if (isDomainError(error, 'CONFIG') && error.message.startsWith('data directory')) {
    return new CliError('cannotCreate', error.message, { cause: error });
  }
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if ((code === 'EACCES' || code === 'EPERM') && path !== undefined) {
    return new CliError('cannotCreate', `${path} is another user's (${code})`, {
      cause: error,
      hint: 'run this as the user who started the platform, or name a directory of your own with --data-dir',
    });
  }
  return error;
}

/** A failure a command means: one sentence for stderr, and the exit code. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exit: keyof typeof EXIT, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = EXIT[exit];
    this.hint = options.hint;
  }
}
