import { DomainError, type ErrorCode } from '../../errors.ts';
import { listedIssues } from '../../http/issue-list.ts';

/** The response to a request to a realm's users API. */
export interface UsersResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON value. Undefined: no body. */
  readonly body?: unknown;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID: 422,
  BAD_PAGE_TOKEN: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  UNAVAILABLE: 503,
};

/** The response to a request that failed. Rethrows errors that no client caused. */
export function refusalOf(error: unknown): UsersResponse {
  const status = error instanceof DomainError ? STATUS[error.code] : undefined;
  if (!(error instanceof DomainError) || status === undefined) throw error;
  return {
    status,
    headers: {
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
    },
    body: { message: error.message, ...(error.issues.length > 0 && { issues: listedIssues(error.issues) }) },
  };
}

export function methodNotAllowed(methods: readonly string[]): UsersResponse {
  return { status: 405, headers: { allow: methods.join(', ') }, body: { message: 'Method Not Allowed' } };
}
