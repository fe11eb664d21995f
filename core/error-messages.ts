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

/** Messages for the most common validation errors; pass it as `error` to a zod parse. A schema's own message takes precedence. */
export const errorMessages: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return undefined;
  if (issue.input === undefined) return 'is required';
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  return `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}, got ${kindOf(issue.input)}`;
};
