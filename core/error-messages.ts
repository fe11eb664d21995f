import type * as z from 'zod';

const KINDS: Partial<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  boolean: 'true or false',
};

/** What a value is, for people; never the value itself, which may be a secret. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return KINDS[kind] ?? `a ${kind}`;
}

/** The commonest faults in plain words, as `error` of a parse. A schema's own message goes before it. */
export const errorMessages: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return undefined;
  if (issue.input === undefined) return 'is required';
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  return `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}, got ${kindOf(issue.input)}`;
};
