import { expect, test } from '@jest/globals';
import { errorResponse } from '../../../../control-plane/api/http/error-response.ts';
import { DomainError, type ErrorCode } from '../../../../core/errors.ts';
import { recordingLog } from '../../../support/recording-log.ts';

const CONTEXT = { method: 'GET', path: '/tenants' };

function respond(error: unknown) {
  const lines: string[] = [];
  const response = errorResponse(error, recordingLog(lines), CONTEXT);
  return { response, logged: lines.map((line) => JSON.parse(line)) };
}

/** The table of codes, written down a second time on purpose: clients depend on it. */
test.each<[ErrorCode, number, object]>([
  ['NOT_FOUND', 404, { statusCode: 404, message: 'the reason' }],
  ['CONFLICT', 409, { statusCode: 409, message: 'the reason' }],
  ['TOO_LARGE', 413, { statusCode: 413, message: 'the reason' }],
  [
    'CONDITION_FAILED',
    409,
    { statusCode: 409, message: 'Another request changed the resource at the same time; try again' },
  ],
  ['UNAUTHENTICATED', 401, { message: 'Unauthorized' }],
  ['FORBIDDEN', 403, { message: 'Forbidden' }],
  ['ACCESS_DENIED', 403, { message: 'Forbidden' }],
  ['TOO_MANY', 429, { message: 'Too Many Requests' }],
])('an error with the code %s has the status %i and is not logged', (code, status, body) => {
  const { response, logged } = respond(new DomainError(code, 'the reason'));
  expect([response.status, response.body, logged]).toEqual([status, body, []]);
  expect(response.headers ?? {}).toEqual({});
});

test.each<[string, unknown]>([
  ['FAILED', new DomainError('FAILED', 'secret')],
  ['CONFIG', new DomainError('CONFIG', 'secret')],
  ['NOT_WRITABLE', new DomainError('NOT_WRITABLE', 'secret')],
  ['CORRUPT', new DomainError('CORRUPT', 'secret')],
  ['INTERNAL', new DomainError('INTERNAL', 'secret')],
  ['an unknown error', new Error('secret')],
  ['something else that was thrown', 'secret'],
])('%s has the status 500, is logged with the request, and exposes nothing', (_what, error) => {
  const { response, logged } = respond(error);
  expect(response).toEqual({
    status: 500,
    body: { statusCode: 500, message: 'Unknown error during processing!' },
  });
  expect(logged).toEqual([expect.objectContaining({ ...CONTEXT, message: 'request failed' })]);
});

test('an error of a part that is not available has the status 503 with its reason, and is logged', () => {
  const { response, logged } = respond(new DomainError('UNAVAILABLE', 'the disk is full'));
  expect([response.status, response.body]).toEqual([503, { statusCode: 503, message: 'the disk is full' }]);
  expect(logged).toHaveLength(1);
});

test.each<[ErrorCode, number]>([
  ['INVALID', 422],
  ['BAD_PAGE_TOKEN', 400],
])('an error with the code %s lists the fields that are not valid, with the status %i', (code, status) => {
  const issues = [{ loc: ['query', 'limit'], type: 'int_parsing', msg: 'must be a whole number' }];
  expect(respond(new DomainError(code, 'the reason', { issues })).response).toEqual({
    status,
    body: { statusCode: status, detail: issues },
  });
  expect(respond(new DomainError(code, 'the reason')).response).toEqual({
    status,
    body: { statusCode: status, detail: [{ loc: ['body'], type: 'value_error', msg: 'the reason' }] },
  });
});

test('an error after which a retry may succeed names the seconds to wait', () => {
  expect(respond(new DomainError('TOO_MANY', 'too many', { retryAfter: 7 })).response.headers).toEqual({
    'retry-after': '7',
  });
});
