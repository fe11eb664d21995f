import * as z from 'zod';
import { type ErrorCode, type FieldIssue, isDomainError } from '../../core/errors.ts';
import { listedIssues, pathOf } from '../../core/http/issue-list.ts';
import { DEFAULT_MAX_BODY_BYTES } from '../../core/http/operation.ts';

/** A refusal as RFC 9457 defines it. */
export const Problem = z
  .object({
    type: z.string().describe('Stable: `urn:tierplane:problem:<kind>`.'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z
      .array(z.object({ path: z.string().describe('Path of the field: `price.amount`.'), message: z.string() }))
      .describe('The fields that are not valid, if any.'),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457).' });
export type Problem = z.output<typeof Problem>;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

interface Kind {
  readonly status: number;
  readonly slug: string;
  readonly title: string;
}

const INTERNAL: Kind = { status: 500, slug: 'internal', title: 'Internal error' };

/** The HTTP response of each error code. */
const KINDS: Record<ErrorCode, Kind> = {
  INVALID: { status: 400, slug: 'invalid', title: 'Invalid request' },
  BAD_PAGE_TOKEN: { status: 400, slug: 'invalid', title: 'Invalid request' },
  UNAUTHENTICATED: { status: 401, slug: 'unauthenticated', title: 'Unauthorized' },
  FORBIDDEN: { status: 403, slug: 'forbidden', title: 'Forbidden' },
  ACCESS_DENIED: { status: 403, slug: 'access-denied', title: 'Access denied' },
  NOT_FOUND: { status: 404, slug: 'not-found', title: 'Not found' },
  CONFLICT: { status: 409, slug: 'conflict', title: 'Conflict' },
  CONDITION_FAILED: { status: 412, slug: 'precondition-failed', title: 'Precondition failed' },
  TOO_LARGE: { status: 413, slug: 'too-large', title: 'Content too large' },
  TOO_MANY: { status: 429, slug: 'too-many-requests', title: 'Too many requests' },
  UNAVAILABLE: { status: 503, slug: 'unavailable', title: 'Service unavailable' },
  FAILED: INTERNAL,
  CONFIG: INTERNAL,
  NOT_WRITABLE: INTERNAL,
  CORRUPT: { status: 503, slug: 'data-unavailable', title: 'Data unavailable' },
  INTERNAL,
};

/** Fastify's own errors by status. Each `detail` replaces Fastify's message, which repeats parts of the request. */
const FRAMEWORK_KINDS: Readonly<Record<number, Kind & { readonly detail: string }>> = {
  400: {
    status: 400,
    slug: 'malformed',
    title: 'Malformed request',
    detail: 'the request must be well-formed: a valid URL, and JSON in UTF-8 where there is a body',
  },
  414: { status: 414, slug: 'uri-too-long', title: 'URI too long', detail: 'the URL must be shorter' },
  415: {
    status: 415,
    slug: 'unsupported-media-type',
    title: 'Unsupported media type',
    detail: 'the body must be application/json',
  },
};

/** Replaces messages that name a file. */
const DATA_UNAVAILABLE = 'the data of this service is unavailable until an operator has restored it';

const METHOD_NOT_ALLOWED: Kind = { status: 405, slug: 'method-not-allowed', title: 'Method not allowed' };

/** The path exists, but not with the request's method. */
export class MethodNotAllowed extends Error {
  /** @param allow the `Allow` header's value */
  constructor(allow: string) {
    super(`the method must be one of ${allow}`);
    this.name = 'MethodNotAllowed';
  }
}

/**
 * Any error as a problem. 5xx problems do not expose the internal message.
 * @param maxBodyBytes the limit that a body which is too large has exceeded
 */
export function toProblem(error: unknown, maxBodyBytes = DEFAULT_MAX_BODY_BYTES): Problem {
  if (error instanceof MethodNotAllowed) return problem(METHOD_NOT_ALLOWED, error.message, []);
  if (isDomainError(error)) {
    const kind = KINDS[error.code];
    if (error.code === 'CORRUPT') return problem(kind, DATA_UNAVAILABLE, []);
    if (kind.status >= 500 && error.code !== 'UNAVAILABLE') return internal();
    return problem(kind, error.message, error.issues);
  }
  const status = frameworkStatus(error);
  if (status === 413) return problem(KINDS.TOO_LARGE, `the body must have at most ${maxBodyBytes / 1024} KiB`, []);
  const kind = FRAMEWORK_KINDS[status];
  return kind ? problem(kind, kind.detail, []) : internal();
}

function problem(kind: Kind, detail: string, issues: readonly FieldIssue[]): Problem {
  return {
    type: `urn:tierplane:problem:${kind.slug}`,
    title: kind.title,
    status: kind.status,
    detail,
    errors: listedIssues(issues).map((issue) => ({ path: pathOf(issue), message: issue.msg })),
  };
}

function internal(): Problem {
  return problem(INTERNAL, 'the service failed; its log has the cause under the request id', []);
}

function frameworkStatus(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
