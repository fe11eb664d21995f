import { expect, test } from '@jest/globals';
import { DomainError, type ErrorCode } from '../../../core/errors.ts';
import { MethodNotAllowed, PROBLEM_MEDIA_TYPE, Problem, toProblem } from '../../../services/kit/problem.ts';

const INTERNAL = {
  type: 'urn:tierplane:problem:internal',
  title: 'Internal error',
  status: 500,
  detail: 'the service failed; its log has the cause under the request id',
  errors: [],
};

/** The table of codes, written down a second time on purpose: clients depend on it. */
test.each<[ErrorCode, status: number, slug: string, title: string]>([
  ['INVALID', 400, 'invalid', 'Invalid request'],
  ['UNAUTHENTICATED', 401, 'unauthenticated', 'Unauthorized'],
  ['FORBIDDEN', 403, 'forbidden', 'Forbidden'],
  ['ACCESS_DENIED', 403, 'access-denied', 'Access denied'],
  ['NOT_FOUND', 404, 'not-found', 'Not found'],
  ['CONFLICT', 409, 'conflict', 'Conflict'],
  ['CONDITION_FAILED', 412, 'precondition-failed', 'Precondition failed'],
  ['TOO_LARGE', 413, 'too-large', 'Content too large'],
  ['TOO_MANY', 429, 'too-many-requests', 'Too many requests'],
  ['UNAVAILABLE', 503, 'unavailable', 'Service unavailable'],
])('an error with the code %s is a problem with status %i', (code, status, slug, title) => {
  const type = `urn:tierplane:problem:${slug}`;
  expect(toProblem(new DomainError(code, 'for the client'))).toEqual({
    ...{ type, title, status, detail: 'for the client', errors: [] },
  });
});

test.each<[string, unknown]>([
  ['FAILED', new DomainError('FAILED', 'secret')],
  ['CONFIG', new DomainError('CONFIG', 'secret')],
  ['INTERNAL', new DomainError('INTERNAL', 'secret')],
  ['an unknown error', new Error('secret')],
  ['an error with an unknown status', Object.assign(new Error('secret'), { statusCode: 418 })],
  ['an error whose status is a text', Object.assign(new Error('secret'), { statusCode: '400' })],
  ['something else that was thrown', { statusCode: 400, message: 'secret' }],
  ['undefined', undefined],
])('%s is a problem that does not expose the message', (_what, error) => {
  expect(toProblem(error)).toEqual(INTERNAL);
});

test('damaged data are a problem that says so, without the name of the file', () => {
  expect(toProblem(new DomainError('CORRUPT', '/data/secret.db is damaged'))).toEqual({
    type: 'urn:tierplane:problem:data-unavailable',
    title: 'Data unavailable',
    status: 503,
    detail: 'the data of this service is unavailable until an operator has restored it',
    errors: [],
  });
});

test.each([
  [400, 'malformed', 'Malformed request', /well-formed/],
  [413, 'too-large', 'Content too large', /at most 256 KiB/],
  [414, 'uri-too-long', 'URI too long', /shorter/],
  [415, 'unsupported-media-type', 'Unsupported media type', /application\/json/],
])('an error of the framework with status %i does not repeat the request', (statusCode, slug, title, detail) => {
  expect(toProblem(Object.assign(new Error('<script>'), { statusCode }))).toEqual({
    ...{ type: `urn:tierplane:problem:${slug}`, title, status: statusCode, errors: [] },
    detail: expect.stringMatching(detail),
  });
});

test('a method that is not allowed is a problem that names the allowed ones', () => {
  const error = new MethodNotAllowed('GET, POST');
  expect(error.name).toBe('MethodNotAllowed');
  expect(toProblem(error)).toEqual({
    type: 'urn:tierplane:problem:method-not-allowed',
    title: 'Method not allowed',
    status: 405,
    detail: 'the method must be one of GET, POST',
    errors: [],
  });
});

test('the fields that are not valid have their path below the part of the request', () => {
  const issues = [{ loc: ['body', 'lines', 0, 'sku'], type: 'missing', msg: 'is required' }];
  expect(toProblem(new DomainError('INVALID', 'lines.0.sku: is required', { issues })).errors).toEqual([
    { path: 'lines.0.sku', message: 'is required' },
  ]);
});

test('the schema of a problem requires every member, and a status that is an integer', () => {
  expect(Problem.safeParse(INTERNAL).success).toBe(true);
  expect(Problem.safeParse({ ...INTERNAL, status: 500.5 }).success).toBe(false);
  for (const name of Object.keys(INTERNAL)) {
    expect(Problem.safeParse({ ...INTERNAL, [name]: undefined }).success).toBe(false);
  }
});

test('a problem has the media type of RFC 9457', () => {
  expect(PROBLEM_MEDIA_TYPE).toBe('application/problem+json; charset=utf-8');
});
