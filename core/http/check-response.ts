import type { AnyResponse, Declaration } from './operation.ts';

/**
 * Compares a response with what its operation declares. Tests check every response with it; it is too slow for production.
 *
 * @param response its body as the client gets it: parsed JSON, or the text of another media type
 * @returns why it does not fit: an undeclared status, header or key, or a value of another type; undefined if it fits
 */
export function mismatchOf(operation: Declaration, response: AnyResponse): string | undefined {
  const { status, body, headers = {} } = response;
  const problem = (text: string) => `${operation.id}: response ${status} ${text}`;
  const declared = operation.responses[status];
  if (!declared) return problem('is not declared');
  const missing = Object.keys(declared.headers ?? {}).find((name) => headers[name] === undefined);
  if (missing !== undefined) return problem(`must have the header ${missing}`);
  if (!declared.body) return body === undefined ? undefined : problem('must have no body');
  const parsed = declared.body.safeParse(body);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return problem(`does not fit its schema: ${issues.join('; ')}`);
  }
  const undeclared = undeclaredKey(body, parsed.data, '');
  return undeclared === undefined ? undefined : problem(`has the undeclared key ${undeclared}`);
}

/** @returns the path of the first key of `sent` that parsing left out */
function undeclaredKey(sent: unknown, kept: unknown, path: string): string | undefined {
  if (typeof sent !== 'object' || sent === null) return undefined;
  for (const [key, value] of Object.entries(sent)) {
    const inner = path === '' ? key : `${path}.${key}`;
    if (!Object.hasOwn(kept as object, key)) return inner;
    const found = undeclaredKey(value, (kept as Record<string, unknown>)[key], inner);
    if (found !== undefined) return found;
  }
  return undefined;
}
