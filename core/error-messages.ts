import type * as z from 'zod';

const KINDS: Partial<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
};

/** The kind of a value, for users. Never the value itself, which may be a secret. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'a boolean';
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return KINDS[kind] ?? `a ${kind}`;
}

type SizeIssue = z.core.$ZodRawIssue<z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall>;

/** What is counted of a value that is too long or too short. A number is compared itself. */
const COUNTED: Partial<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['item', 'items'],
  map: ['entry', 'entries'],
  set: ['item', 'items'],
};

function sizeMessage(issue: SizeIssue): string {
  const isBig = issue.code === 'too_big';
  const limit = isBig ? issue.maximum : issue.minimum;
  const units = COUNTED[issue.origin];
  if (!units) {
    if (issue.inclusive) return `must be at ${isBig ? 'most' : 'least'} ${limit}`;
    return `must be ${isBig ? 'less' : 'greater'} than ${limit}`;
  }
  if (!isBig && limit === 1) return 'must not be empty';
  const [one, many] = units;
  return `must have at ${isBig ? 'most' : 'least'} ${limit} ${limit === 1 ? one : many}`;
}

/** Messages for the most common validation errors; pass it as `error` to a zod parse. A schema's own message takes precedence. */
export const errorMessages: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'too_big' || issue.code === 'too_small') return sizeMessage(issue);
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return undefined;
  if (issue.input === undefined) return 'is required';
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  return `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}, got ${kindOf(issue.input)}`;
};
