import type * as z from 'zod';
import { errorMessages } from '../error-messages.ts';
import { DomainError, type FieldIssue } from '../errors.ts';
import { pathOf } from './issue-list.ts';

export type Part = 'path' | 'query' | 'body';

export interface PartToParse {
  readonly part: Part;
  /** @default - the value is ignored, and its result is undefined */
  readonly schema: z.ZodType | undefined;
  readonly value: unknown;
}

/**
 * Parses the parts of one request, in the order given.
 * Throws INVALID with the issues of all parts, each with its path below the part's name.
 */
export function parseParts(parts: readonly PartToParse[]): unknown[] {
  const issues: FieldIssue[] = [];
  const values = parts.map(({ part, schema, value }) => {
    if (!schema) return undefined;
    const parsed = schema.safeParse(value, { reportInput: true, error: errorMessages });
    if (parsed.success) return parsed.data;
    issues.push(...parsed.error.issues.flatMap((issue) => toFieldIssues(part, issue)));
    return undefined;
  });
  if (issues.length > 0) throw new DomainError('INVALID', describe(issues), { issues });
  return values;
}

/** Parses one value. Throws INVALID with every issue, each with its path below `part`. */
export function parsePart<S extends z.ZodType>(schema: S, value: unknown, part: Part): z.output<S> {
  return parseParts([{ part, schema, value }])[0] as z.output<S>;
}

/** An INVALID error about one field; `loc` begins with `body`, `query`, `path` or `header`. */
export function invalid(loc: FieldIssue['loc'], type: string, msg: string): DomainError {
  const issue: FieldIssue = { loc: [...loc], type, msg };
  return new DomainError('INVALID', `${pathOf(issue)} ${msg}`, { issues: [issue] });
}

function describe(issues: readonly FieldIssue[]): string {
  const [first] = issues;
  const where = (first && pathOf(first)) || first?.loc[0];
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return `${where}: ${first?.msg}${more}`;
}

/** Converts an issue of zod to SBT's terms, which are pydantic's. An unknown key is an issue of that key. */
function toFieldIssues(part: Part, issue: z.core.$ZodIssue): FieldIssue[] {
  const loc = [part, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
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

/** pydantic's names for zod's types, where they differ. */
const TYPE_NAMES: Partial<Record<string, string>> = {
  object: 'dict',
  record: 'dict',
  array: 'list',
  boolean: 'bool',
};
