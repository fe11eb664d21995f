import { DomainError } from '../../../core/errors.ts';

/** What the services call a request that may work a moment later. The SDK has tried three times by then. */
const TRANSIENT = new Set([
  'InternalFailure',
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequestsException',
  'TransactionInProgressException',
]);

/**
 * An SDK error by our codes; its own words stay in the cause, since they name accounts and roles. Refused credentials are
 * a fault of the installation, INTERNAL, unless the caller knows better.
 */
export function asDomainError(service: string, cause: unknown): DomainError {
  if (cause instanceof DomainError) return cause;
  const name = cause instanceof Error ? cause.name : 'unknown';
  const unavailable = TRANSIENT.has(name) || isNetworkError(cause);
  return new DomainError(unavailable ? 'UNAVAILABLE' : 'INTERNAL', `${service} failed: ${name}`, { cause });
}

function isNetworkError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)/.test(code);
}
