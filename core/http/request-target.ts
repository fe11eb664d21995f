/**
 * The path with its query of a request line's target: the target itself, or what follows the origin of an absolute URL, which
 * is ignored (RFC 9112, 3.2.2). Undefined for other forms.
 */
export function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  const match = /^https?:\/\/[^/?#]+(\/.*)?$/i.exec(target);
  return match ? (match[1] ?? '/') : undefined;
}

/** The path without the query. Queries may contain secrets and are never logged. */
export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}
