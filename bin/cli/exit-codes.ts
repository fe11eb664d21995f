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
  cannotCreate: 'the data directory cannot be created or written',
  config: 'configuration, port, store version or Node version is wrong; nothing was changed',
  interrupted: 'Ctrl-C while waiting; what was asked for goes on',
};

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
