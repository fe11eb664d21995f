import { type DomainError, type ErrorCode, type FieldIssue, isDomainError } from '../../../core/errors.ts';
import { listedIssues } from '../../../core/http/issue-list.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { ApiResponse } from './http.ts';

/** SBT has two shapes: its gateway sends the `gatewayMessage` alone, its handlers repeat the status beside the message. */
const STATUSES: Record<ErrorCode, { readonly status: number; readonly gatewayMessage?: string }> = {
  INVALID: { status: 422 },
  BAD_PAGE_TOKEN: { status: 400 },
  UNAUTHENTICATED: { status: 401, gatewayMessage: 'Unauthorized' },
  FORBIDDEN: { status: 403, gatewayMessage: 'Forbidden' },
  ACCESS_DENIED: { status: 403, gatewayMessage: 'Forbidden' },
  NOT_FOUND: { status: 404 },
  CONFLICT: { status: 409 },
  CONDITION_FAILED: { status: 409 },
  TOO_LARGE: { status: 413 },
  TOO_MANY: { status: 429, gatewayMessage: 'Too Many Requests' },
  UNAVAILABLE: { status: 503 },
  FAILED: { status: 500 },
  CONFIG: { status: 500 },
  NOT_WRITABLE: { status: 500 },
  CORRUPT: { status: 500 },
  INTERNAL: { status: 500 },
};

/** Maps any error to SBT's responses. Logs 5xx responses, and does not expose the internal message of a 500. */
export function errorResponse(
  error: unknown,
  log: Log,
  context: { readonly method: string; readonly path: string },
): ApiResponse {
  const { status, gatewayMessage } = isDomainError(error) ? STATUSES[error.code] : STATUSES.INTERNAL;
  if (status >= 500) log.error({ err: error, ...context }, 'request failed');
  const headers = isDomainError(error) && error.retryAfter !== undefined ? retryHeader(error.retryAfter) : {};
  if (gatewayMessage !== undefined) return { status, headers, body: { message: gatewayMessage } };
  if (!isDomainError(error) || status === 500) return withStatus(status, 'Unknown error during processing!');
  if (status === 422 || status === 400) return { status, body: { statusCode: status, detail: detailOf(error) } };
  if (error.code === 'CONDITION_FAILED') {
    return withStatus(status, 'Another request changed the resource at the same time; try again');
  }
  return withStatus(status, error.message);
}

function retryHeader(seconds: number): Record<string, string> {
  return { 'retry-after': String(seconds) };
}

function withStatus(statusCode: number, message: string): ApiResponse {
  return { status: statusCode, body: { statusCode, message } };
}

function detailOf(error: DomainError): readonly FieldIssue[] {
  return error.issues.length > 0
    ? listedIssues(error.issues)
    : [{ loc: ['body'], type: 'value_error', msg: error.message }];
}
