import { DomainError } from '../errors.ts';
import { invalid } from './parse.ts';

/** DynamoDB stores documents of at most 32 levels. */
const MAX_DEPTH = 32;
/**
 * Keys and list items of one body, in all levels. The checks of a schema cost far more per value than reading it does, so
 * a body with more values is refused before them.
 */
const MAX_VALUES = 10_000;
/** How much of the path to a value that is nested too deeply the error shows. */
const SHOWN_PATH = 4;

type Path = (string | number)[];

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @returns the text, or undefined for bytes that are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Parses the JSON of a request body; without a body the value is undefined.
 *
 * @returns undefined for text that is not JSON
 * Throws INVALID for values that cannot be stored or are unsafe: more than 32 levels or 10,000 values, a `__proto__` key, a
 * number beyond ±(2^53 - 1), a lone surrogate.
 */
export function parseJson(text: string | undefined): { readonly value: unknown } | undefined {
  if (text === undefined || text === '') return { value: undefined };
  let value: unknown;
  try {
    // A parser may ignore a byte order mark: https://www.rfc-editor.org/rfc/rfc8259#section-8.1
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  refuseUnsafeValues(value, ['body'], { values: 0 });
  return { value };
}

/** As `parseJson`. Throws INVALID also for text that is not JSON. */
export function requireJson(text: string | undefined): unknown {
  const json = parseJson(text);
  if (!json) throw new DomainError('INVALID', 'the body must be JSON');
  return json.value;
}

/** Walks the value depth first. `refuseDepth` bounds the recursion. */
function refuseUnsafeValues(value: unknown, path: Path, seen: { values: number }): void {
  if (typeof value === 'string') refuseLoneSurrogate(value, path);
  if (typeof value === 'number') refuseInexact(value, path);
  if (typeof value !== 'object' || value === null) return;
  refuseDepth(path);
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  seen.values += entries.length;
  if (seen.values > MAX_VALUES) throw invalid(['body'], 'too_many_values', `must have at most ${MAX_VALUES} values`);
  for (const [key, inner] of entries) {
    if (!isList) refuseLoneSurrogate(key, path);
    path.push(isList ? Number(key) : key);
    if (key === '__proto__') throw invalid(path, 'extra_forbidden', 'is not a known key');
    refuseUnsafeValues(inner, path, seen);
    path.pop();
  }
}

function refuseLoneSurrogate(text: string, path: Path): void {
  if (!text.isWellFormed()) throw invalid(path, 'string_unicode', 'must be Unicode text');
}

/**
 * `JSON.parse` reads 1e999 as Infinity, and rounds integers beyond 2^53: 9007199254740993 becomes 9007199254740992. A double
 * of that size is always an integer, so its value shows that the text may have been rounded.
 */
function refuseInexact(number: number, path: Path): void {
  if (!Number.isFinite(number)) throw invalid(path, 'finite_number', 'must be finite');
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return;
  const msg = 'must be at most 9007199254740991 (2^53 - 1), as larger integers are rounded; send it as a string';
  throw invalid(path, 'int_size', msg);
}

function refuseDepth(path: Path): void {
  if (path.length <= MAX_DEPTH) return;
  throw invalid(path.slice(0, SHOWN_PATH), 'recursion_loop', `must nest at most ${MAX_DEPTH} levels deep`);
}
