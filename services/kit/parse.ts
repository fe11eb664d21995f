import type * as z from 'zod';
import { DomainError, type FieldIssue } from '../../core/errors.ts';

export type Part = 'path' | 'query' | 'body';

/** Checks the parts of one request, so that all their faults are told together. */
export function parseParts(parts: readonly { part: Part; schema: z.ZodType | undefined; value: unknown }[]): unknown[] {
  const issues: FieldIssue[] = [];
  const values = parts.map(({ part, schema, value }) => {
    if (!schema) return undefined;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    issues.push(...parsed.error.issues.flatMap((issue) => toFieldIssues(part, issue)));
    return undefined;
  });
  if (issues.length > 0) throw new DomainError('INVALID', describe(issues), { issues });
  return values;
}

/** An unknown key is a fault of that key, not of the object around it. */
function toFieldIssues(part: Part, issue: z.core.$ZodIssue): FieldIssue[] {
  const loc = [part, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ loc: [...loc, key], type: 'extra_forbidden', msg: 'must not be given' }));
  }
  return [{ loc, type: issue.code, msg: issue.message }];
}

function describe(issues: readonly FieldIssue[]): string {
  const [first] = issues;
  const where = first?.loc.slice(1).join('.') || first?.loc[0];
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return `${where}: ${first?.msg}${more}`;
}
