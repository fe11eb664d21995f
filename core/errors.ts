/** One error of one field, in the shape of SBT's responses, which is pydantic's. */
export interface FieldIssue {
  /** Where: `['body', 'tenantData', 'tier']`, `['query', 'limit']`. */
  readonly loc: readonly (string | number)[];
  /** Stable kind of error: `missing`, `int_parsing`, `enum`, `extra_forbidden` ... */
  readonly type: string;
  /** For users: subject, rule, what was got. */
  readonly msg: string;
}

/** Stable codes; each transport maps them to its own statuses in one table. */
export type ErrorCode =
  | 'INVALID' // input breaks a rule; `issues` name the fields
  | 'BAD_PAGE_TOKEN' // a `next_token` is not one of its list
  | 'UNAUTHENTICATED' // no or no valid token
  | 'FORBIDDEN' // known caller, not allowed
  | 'ACCESS_DENIED' // a scoped table was used with a key of another tenant
  | 'NOT_FOUND'
  | 'CONFLICT' // exists already, or not possible in this state
  | 'CONDITION_FAILED' // a conditional write lost
  | 'TOO_LARGE'
  | 'TOO_MANY' // rate or quota exceeded
  | 'UNAVAILABLE' // try again later
  | 'FAILED' // work elsewhere was attempted and rolled back; the message is the reason; not retried
  | 'CONFIG' // configuration is wrong; see CONFIG_EXIT_CODE
  | 'NOT_WRITABLE' // the data directory cannot be created or written
  | 'CORRUPT' // a file is damaged or of a newer version
  | 'INTERNAL';

/** Exit code of a process that ends with a CONFIG error (EX_CONFIG of sysexits.h). */
export const CONFIG_EXIT_CODE = 78;

/** An expected error: a stable code, a message (subject, rule, what was got) and the cause. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly FieldIssue[];
  /** Whole seconds until another attempt may succeed. Transports send it as `retry-after`. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; issues?: readonly FieldIssue[]; retryAfter?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.code = code;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter;
  }
}

/** The error of a `transact` whose conditions do not hold. Nothing was written. */
export class ConditionFailed extends DomainError {
  /** Indexes of the writes whose conditions failed; at least one. */
  readonly failed: readonly number[];

  constructor(failed: readonly number[]) {
    super('CONDITION_FAILED', `condition of write ${failed.join(', ')} does not hold`);
    this.name = 'ConditionFailed';
    this.failed = failed;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  const message = (error as { readonly message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : String(error);
}

/** @returns whether `error` is a DomainError and, if `code` is given, has that code */
export function isDomainError(error: unknown, code?: ErrorCode): error is DomainError {
  return error instanceof DomainError && (code === undefined || error.code === code);
}
