import { DomainError } from '../../../core/errors.ts';

/** Error names of requests that may succeed later. The SDK has tried three times before it reports one. */
const TRANSIENT = new Set([
  // The SDK gets other credentials before the next request.
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequestsException',
  'TransactionInProgressException',
]);

/** Error names of requests that a service refuses because it gets too many. */
const THROTTLED = new Set(['RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'TooManyRequestsException']);

/** Whether a service refused a request because it gets too many. @param error the SDK's, or a DomainError that it caused */
export function isThrottled(error: unknown): boolean {
  const cause = error instanceof DomainError ? error.cause : error;
  return cause instanceof Error && THROTTLED.has(cause.name);
}

/**
 * Translates an SDK error: UNAVAILABLE if a later request may succeed, else INTERNAL. The SDK's message stays in the
 * cause, because it names accounts and roles. Refused credentials are an error of the installation, so INTERNAL.
 */
export function asDomainError(service: string, cause: unknown): DomainError {
  if (cause instanceof DomainError) return cause;
  const name = cause instanceof Error ? cause.name : 'unknown';
  const unavailable = TRANSIENT.has(name) || isNetworkError(cause);
  return new DomainError(unavailable ? 'UNAVAILABLE' : 'INTERNAL', `${service} failed: ${name}`, { cause });
}

/** For `catch`: throws the SDK error of a service as `asDomainError` translates it. */
export function throwAs(service: string): (cause: unknown) => never {
  return (cause) => {
    throw asDomainError(service, cause);
  };
}

function isNetworkError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)/.test(code);
}
