import { describe, expect, test } from '@jest/globals';
import { DomainError, type ErrorCode } from '../../../../core/errors.ts';
import { methodNotAllowed, refusalOf } from '../../../../core/identity/users-api/users-response.ts';

describe('the response of the users API to an error', () => {
  test.each<[ErrorCode, number]>([
    ['INVALID', 422],
    ['BAD_PAGE_TOKEN', 400],
    ['FORBIDDEN', 403],
    ['NOT_FOUND', 404],
    ['CONFLICT', 409],
    ['TOO_LARGE', 413],
    ['TOO_MANY', 429],
    ['UNAVAILABLE', 503],
  ])('%s has the status %i, the message and no headers', (code, status) => {
    expect(refusalOf(new DomainError(code, 'refused'))).toEqual({ status, headers: {}, body: { message: 'refused' } });
  });

  test('UNAUTHENTICATED asks for a bearer token', () => {
    const { status, headers } = refusalOf(new DomainError('UNAUTHENTICATED', 'sign in'));
    expect([status, headers]).toEqual([401, { 'www-authenticate': 'Bearer' }]);
  });

  test('says when to try again, and lists the issues', () => {
    const error = new DomainError('TOO_MANY', 'too many', {
      retryAfter: 7,
      issues: [{ loc: ['body', 'email'], type: 'invalid_format', msg: 'must be an email' }],
    });
    const { headers, body } = refusalOf(error);
    expect(headers).toEqual({ 'retry-after': '7' });
    expect(body).toEqual({
      message: 'too many',
      issues: [{ loc: ['body', 'email'], type: 'invalid_format', msg: 'must be an email' }],
    });
  });

  test.each([
    new DomainError('INTERNAL', 'broken'),
    new Error('broken'),
    Object.assign(new Error('broken'), { code: 'INVALID' }),
  ])('throws what no client caused (%#)', (error) => {
    expect(() => refusalOf(error)).toThrow(error);
  });

  test('to a wrong method lists the methods', () => {
    expect(methodNotAllowed(['GET', 'POST'])).toEqual({
      status: 405,
      headers: { allow: 'GET, POST' },
      body: { message: 'Method Not Allowed' },
    });
  });
});
