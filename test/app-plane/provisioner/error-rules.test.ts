import { expect, test } from '@jest/globals';
import { isTerminal, reasonOf } from '../../../app-plane/provisioner/failures.ts';
import { DomainError, type ErrorCode } from '../../../core/errors.ts';

test.each<ErrorCode>(['INVALID', 'CONFLICT', 'FORBIDDEN', 'ACCESS_DENIED', 'TOO_LARGE', 'FAILED', 'CONFIG', 'CORRUPT'])(
  'an error with the code %s is not retried',
  (code) => {
    expect(isTerminal(new DomainError(code, 'no'))).toBe(true);
  },
);

test.each<ErrorCode>(['UNAUTHENTICATED', 'NOT_FOUND', 'CONDITION_FAILED', 'TOO_MANY', 'UNAVAILABLE', 'INTERNAL'])(
  'an error with the code %s is retried',
  (code) => {
    expect(isTerminal(new DomainError(code, 'not now'))).toBe(false);
  },
);

test('an unknown error is retried, whatever its code', () => {
  expect(isTerminal(Object.assign(new Error('no'), { code: 'INVALID' }))).toBe(false);
});

test.each([
  ['EACCES', 'permission denied (EACCES)'],
  ['EPERM', 'permission denied (EPERM)'],
  ['EROFS', 'the file system is read-only (EROFS)'],
  ['ENOSPC', 'the disk is full (ENOSPC)'],
  ['EDQUOT', 'the disk quota is used up (EDQUOT)'],
  ['EMFILE', 'too many open files (EMFILE)'],
  ['ENOMEM', 'the machine is out of memory (ENOMEM)'],
  ['EAGAIN', 'the machine has no room for another process (EAGAIN)'],
  ['EXDEV', 'unexpected error EXDEV'],
  ['xEPERM', 'unexpected error, see the log'],
  ['EPERM /secret', 'unexpected error, see the log'],
])('the reason of the system error %s is: %s', (code, reason) => {
  expect(reasonOf(Object.assign(new Error('/secret/path'), { code }))).toBe(reason);
});

test('the reason of a domain error is its message, and that of anything else does not show it', () => {
  expect(reasonOf(new DomainError('CONFLICT', 'the tier is full'))).toBe('the tier is full');
  expect(reasonOf({ code: 'EPERM', message: '/secret/path' })).toBe('unexpected error, see the log');
  expect(reasonOf('/secret/path')).toBe('unexpected error, see the log');
});
