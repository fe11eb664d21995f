import { describe, expect, test } from '@jest/globals';
import { ConditionFailed, DomainError, isDomainError, messageOf } from '../../core/errors.ts';

describe('a domain error', () => {
  test('has its code, its message, its name and no issues unless it is given some', () => {
    const error = new DomainError('CONFLICT', 'the name is taken');
    expect(String(error)).toBe('DomainError: the name is taken');
    expect([error.code, error.issues, 'cause' in error]).toEqual(['CONFLICT', [], false]);
  });

  test('keeps its cause and its issues', () => {
    const cause = new Error('disk full');
    const issues = [{ loc: ['body', 'tier'], type: 'enum', msg: 'must be one of basic, premium' }];
    const error = new DomainError('INVALID', 'tier is invalid', { cause, issues });
    expect([error.cause, error.issues]).toEqual([cause, issues]);
  });

  test('is recognised by its class and, if one is given, by its code', () => {
    const error = new DomainError('NOT_FOUND', 'no such tenant');
    expect([isDomainError(error), isDomainError(error, 'NOT_FOUND'), isDomainError(error, 'CONFLICT')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isDomainError(Object.assign(new Error('no such tenant'), { code: 'NOT_FOUND' }), 'NOT_FOUND')).toBe(false);
  });
});

test('a failed condition names the writes whose conditions do not hold', () => {
  const error = new ConditionFailed([0, 2]);
  expect(String(error)).toBe('ConditionFailed: condition of write 0, 2 does not hold');
  expect([error.failed, isDomainError(error, 'CONDITION_FAILED')]).toEqual([[0, 2], true]);
});

test.each([
  [new Error('disk full'), 'disk full'],
  [{ message: 'from another realm' }, 'from another realm'],
  [{ message: 7 }, '[object Object]'],
  ['a text', 'a text'],
  [null, 'null'],
  [undefined, 'undefined'],
])('the message of %p is %p', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});
