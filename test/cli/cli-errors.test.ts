import { expect, test } from '@jest/globals';
import { asCliError, CliError, EXIT } from '../../cli/exit-codes.ts';
import { DomainError } from '../../core/errors.ts';

function systemError(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: open '${path}'`), { code, ...(path !== undefined && { path }) });
}

test.each([
  [
    'a file of another user',
    systemError('EACCES', '/srv/data/running.json'),
    /^\/srv\/data\/running\.json belongs to another user/,
  ],
  ['a folder of another user', systemError('EPERM', '/srv/data/logs'), /^\/srv\/data\/logs belongs to another user/],
  [
    'a data directory that cannot be written',
    new DomainError('NOT_WRITABLE', 'the disk is full'),
    /^the disk is full$/,
  ],
])('%s ends a command with the exit code of the data directory', (_what, error, message) => {
  const shown = asCliError(error);
  expect(shown).toBeInstanceOf(CliError);
  expect(shown).toMatchObject({ message: expect.stringMatching(message), exitCode: EXIT.cannotCreate });
});

test.each(['CONFIG', 'CORRUPT'] as const)(
  'an error with the code %s ends a command with the exit code of the configuration, whatever its message',
  (code) => {
    const shown = asCliError(new DomainError(code, 'data directory must be writable'));
    expect(shown).toMatchObject({ message: 'data directory must be writable', exitCode: EXIT.config });
  },
);

test.each([
  ['an unexpected error', new TypeError('x is not a function')],
  ['a system error without a path', systemError('EACCES')],
  ['an error of the command itself', new CliError('usage', 'name a tenant')],
  ['an error whose exit code depends on the command', new DomainError('UNAVAILABLE', 'try again')],
  ['a value that is not an error', 'text'],
])('%s is returned unchanged', (_what, error) => expect(asCliError(error)).toBe(error));
