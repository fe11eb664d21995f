import type * as z from 'zod';
import { errorMessages } from '../../../core/error-messages.ts';
import { DomainError, type ErrorCode, type FieldIssue, isDomainError } from '../../../core/errors.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { ApiResponse } from './http.ts';

/** SBT's two shapes: the gateway's bare message, and its handlers' with the status repeated. */
const STATUSES: Record<ErrorCode, { readonly status: number; readonly bare?: string }> = {
  INVALID: { status: 422 },
  UNAUTHENTICATED: { status: 401, bare: 'Unauthorized' },
  FORBIDDEN: { status: 403, bare: 'Forbidden' },
  ACCESS_DENIED: { status: 403, bare: 'Forbidden' },
  NOT_FOUND: { status: 404 },
  CONFLICT: { status: 409 },
  CONDITION_FAILED: { status: 409 },
  TOO_LARGE: { status: 413 },
  TOO_MANY: { status: 429, bare: 'Too Many Requests' },
  UNAVAILABLE: { status: 503 },
  CONFIG: { status: 500 },
  CORRUPT: { status: 500 },
  INTERNAL: { status: 500 },
};

/** The one mapper from errors to answers. What nobody meant is logged, and told to nobody. */
export function toResponse(
  error: unknown,
  log: Log,
  context: { readonly method: string; readonly path: string },
): ApiResponse {
  const { status, bare } = isDomainError(error) ? STATUSES[error.code] : STATUSES.INTERNAL;
  if (status >= 500) log.error({ err: error, ...context }, 'control plane call failed');
  if (bare !== undefined) return { status, body: { message: bare } };
  if (!isDomainError(error) || status === 500) {
    return { status, body: { statusCode: status, message: 'Unknown error during processing!' } };
  }
  if (error.code === 'INVALID') return { status, body: { statusCode: status, detail: detailOf(error) } };
  if (error.code === 'CONDITION_FAILED') return conflict('It was changed by another call at the same time; try again');
  return { status, body: { statusCode: status, message: error.message } };
}

function conflict(message: string): ApiResponse {
  return { status: 409, body: { statusCode: 409, message } };
}

function detailOf(error: DomainError): readonly FieldIssue[] {
  return error.issues.length > 0 ? error.issues : [{ loc: ['body'], type: 'value_error', msg: error.message }];
}

/** An INVALID error about one field. */
export function invalid(loc: readonly (string | number)[], type: string, msg: string): DomainError {
  return new DomainError('INVALID', `${loc.join('.')} ${msg}`, { issues: [{ loc, type, msg }] });
}

/** Parses what came from outside. Throws INVALID with every fault, each with its path below `where`. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, where: 'body' | 'query'): z.output<S> {
  const result = schema.safeParse(value, { reportInput: true, error: errorMessages });
  if (result.success) return result.data;
  const issues = result.error.issues.flatMap((issue) => toFieldIssues(issue, where));
  throw new DomainError('INVALID', `${where} is not valid`, { issues });
}

/** zod's issue in pydantic's words, which are SBT's. */
function toFieldIssues(issue: z.core.$ZodIssue, where: string): FieldIssue[] {
  const loc = [where, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ loc: [...loc, key], type: 'extra_forbidden', msg: 'is not a known key' }));
  }
  return [{ loc, type: typeOf(issue), msg: issue.message }];
}

function typeOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'missing';
      return (issue.expected as string) === 'never'
        ? 'extra_forbidden'
        : `${TYPE_NAMES[issue.expected] ?? issue.expected}_type`;
    case 'invalid_value':
      return issue.input === undefined ? 'missing' : 'enum';
    case 'too_small':
      return issue.origin === 'string' ? 'string_too_short' : issue.inclusive ? 'greater_than_equal' : 'greater_than';
    case 'too_big':
      return issue.origin === 'string' ? 'string_too_long' : issue.inclusive ? 'less_than_equal' : 'less_than';
    case 'custom':
      return String(issue.params?.type ?? 'value_error');
    default:
      return 'value_error';
  }
}

/** pydantic's names of zod's types, where they differ. */
const TYPE_NAMES: Partial<Record<string, string>> = {
  object: 'dict',
  record: 'dict',
  array: 'list',
  boolean: 'bool',
};
