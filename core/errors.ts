/** One fault of one field, in the shape that SBT's handlers (pydantic's) answer with. */
export interface FieldIssue {
  /** Where: `['body', 'tenantData', 'tier']`, `['query', 'limit']`. */
  readonly loc: readonly (string | number)[];
  /** Stable kind of fault: `missing`, `int_parsing`, `enum`, `extra_forbidden` ... */
  readonly type: string;
  /** For people: subject, rule, what was got. */
  readonly msg: string;
}

/** Stable codes; each transport maps them to its own statuses in one table. */
export type ErrorCode =
  | 'INVALID' // input breaks a rule; `issues` name the fields
  | 'UNAUTHENTICATED' // no or no valid token
  | 'FORBIDDEN' // known caller, not allowed
  | 'ACCESS_DENIED' // a tenant-scoped handle was asked for what is not its tenant's
  | 'NOT_FOUND'
  | 'CONFLICT' // exists already, or not possible in this state
  | 'CONDITION_FAILED' // a conditional write lost
  | 'TOO_LARGE'
  | 'TOO_MANY' // rate or quota exceeded
  | 'UNAVAILABLE' // try again later
  | 'CONFIG' // configuration is wrong; exit code 78
  | 'CORRUPT' // a file is damaged or of a newer version
  | 'INTERNAL';

/** An error the domain means: a stable code, a message (subject, rule, got) and the cause. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly FieldIssue[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; issues?: readonly FieldIssue[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.code = code;
    this.issues = options.issues ?? [];
  }
}

/** A `transact` whose conditions did not hold; nothing was written. */
export class ConditionFailed extends DomainError {
  /** Indexes (into the writes given) of the conditions that failed; at least one. */
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

/** @returns whether `error` is a DomainError, of `code` where one is given */
export function isDomainError(error: unknown, code?: ErrorCode): error is DomainError {
  return error instanceof DomainError && (code === undefined || error.code === code);
}
