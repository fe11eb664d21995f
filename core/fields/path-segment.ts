/** A segment `.` or `..` in any encoding, a backslash, or NUL. Some servers resolve them and others do not. */
const AMBIGUOUS = /(?:^|\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)|\\|%5c|%00/i;

/** Whether two servers could read the percent-encoded path differently. The gateway refuses such a path. */
export function isAmbiguousPath(path: string): boolean {
  return (path.includes('.') || path.includes('%') || path.includes('\\')) && AMBIGUOUS.test(path);
}

/** API Gateway decodes a path before it chooses a route, so an encoded `/` or `?` ends the segment. */
const ENDS_SEGMENT = /[/?]/;

/** Whether the text, percent-encoded, reaches the servers of both homes as one segment of a path. */
export function fitsPathSegment(text: string): boolean {
  if (text === '' || ENDS_SEGMENT.test(text) || !text.isWellFormed()) return false;
  return !isAmbiguousPath(`/${encodeURIComponent(text)}`);
}
