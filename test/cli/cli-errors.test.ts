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
  ['a data directory that is none', new DomainError('CONFIG', 'data directory must be writable'), /must be writable/],
])('%s is met by one sentence about the data directory, and its exit code', (_what, error, words) => {
  const meant = asCliError(error);
  expect(meant).toBeInstanceOf(CliError);
  expect(meant).toMatchObject({ message: expect.stringMatching(words), exitCode: EXIT.cannotCreate });
});

test.each([
  ['a failure that means nothing to a user', new TypeError('x is not a function')],
  ['a system error about no file', systemError('EACCES')],
  ['what a command meant itself', new CliError('usage', 'say which')],
  ['what is no error at all', 'text'],
])('%s stays what it is', (_what, error) => expect(asCliError(error)).toBe(error));
