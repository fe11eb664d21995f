import type { FieldIssue } from '../errors.ts';

/** A response lists at most this many errors. */
const MAX_LISTED = 20;
/** Longest key in a path, in characters. A client chooses the keys, and an error must not be longer than its request. */
const MAX_KEY = 100;
const MAX_MESSAGE = 500;

/**
 * The errors that a response lists: the first 20, then one entry that says how many more there are. Every response that
 * lists errors takes them from here, so that a small request never gets a large response.
 */
export function listedIssues(issues: readonly FieldIssue[]): readonly FieldIssue[] {
  const listed = issues.slice(0, MAX_LISTED).map(shortened);
  const more = issues.length - listed.length;
  if (more === 0) return listed;
  const part = issues[0]?.loc[0] ?? 'body';
  return [
    ...listed,
    { loc: [part], type: 'more_errors', msg: `${more} more error${more === 1 ? '' : 's'} not listed` },
  ];
}

/** The dotted path of an error, without the part of the request. '' for the whole part. */
export function pathOf({ loc }: FieldIssue): string {
  return loc.slice(1).map(shortKey).join('.');
}

function shortened({ loc, type, msg }: FieldIssue): FieldIssue {
  return { loc: loc.map(shortKey), type, msg: short(msg, MAX_MESSAGE) };
}

function shortKey(key: string | number): string | number {
  return typeof key === 'number' ? key : short(key, MAX_KEY);
}

function short(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text;
}
