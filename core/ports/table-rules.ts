import { DomainError } from '../errors.ts';
import type { Key, Query, Write } from './table.ts';

/** The limits of every adapter of the Table port: the stricter of SQLite's and DynamoDB's. */
export const MAX_WRITES = 100;
/** Longest part of a key, and so longest `next` of a page, in UTF-16 units. */
export const MAX_KEY_CHARS = 512;
const MAX_KEY_BYTES = 1024;
export const MAX_DATA_BYTES = 350 * 1024;
/** Of all `data` in one transaction. */
const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;
export const MAX_PAGE = 1000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: it finds control characters
const CONTROL = /[\u0000-\u001f\u007f]/;
const utf8 = new TextEncoder();

function byteLength(text: string): number {
  return utf8.encode(text).length;
}

/** The rule that a part of a key breaks, or undefined. */
function brokenKeyRule(value: string): string | undefined {
  if (typeof value !== 'string') return `a string, got ${typeof value}`;
  if (value.length < 1 || value.length > MAX_KEY_CHARS) {
    return `1..${MAX_KEY_CHARS} characters long, got ${value.length}`;
  }
  if (CONTROL.test(value)) return 'free of control characters';
  if (!value.isWellFormed()) return 'well-formed Unicode';
  const mayBeTooLong = value.length * 3 > MAX_KEY_BYTES;
  return mayBeTooLong && byteLength(value) > MAX_KEY_BYTES ? `at most ${MAX_KEY_BYTES} bytes in UTF-8` : undefined;
}

/** Whether the text can be a part of a key. No item has a key with other texts. */
export function isKeyPart(text: string): boolean {
  return brokenKeyRule(text) === undefined;
}

function checkKeyPart(name: string, value: string): void {
  const rule = brokenKeyRule(value);
  if (rule) throw new DomainError('INVALID', `${name} of a key must be ${rule}`);
}

/** Throws INVALID unless both parts are 1..512 characters (at most 1024 bytes) of well-formed text without control characters. */
export function checkKey(key: Key): void {
  checkKeyPart('pk', key.pk);
  checkKeyPart('sk', key.sk);
}

/** Compares as the Table port sorts: by UTF-8 bytes, which is the order of code points. */
export function compareUtf8(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  const at = left.findIndex((character, i) => character !== right[i]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}

/** The key of a write. */
export function keyOf(write: Write): Key {
  return 'put' in write ? write.put : 'delete' in write ? write.delete : write.check;
}

/** Throws INVALID for a bad key, version or expiry, for too many writes, and for a key that is written twice. */
export function checkWrites(writes: readonly Write[]): void {
  if (writes.length > MAX_WRITES) {
    throw new DomainError('INVALID', `a transaction must contain at most ${MAX_WRITES} writes, got ${writes.length}`);
  }
  const seen = new Set<string>();
  for (const write of writes) {
    const key = keyOf(write);
    checkKey(key);
    // Keys contain no control characters, so two keys never give the same text.
    const identity = `${key.pk}\n${key.sk}`;
    if (seen.has(identity)) throw new DomainError('INVALID', 'a transaction must contain each key at most once');
    seen.add(identity);
    if ('put' in write) checkItem(write.put);
  }
}

function checkItem(item: { version: number; expiresAt?: number; indexes?: Record<string, Key | undefined> }): void {
  if (!Number.isSafeInteger(item.version) || item.version < 1) {
    throw new DomainError('INVALID', `version of an item must be a whole number from 1, got ${item.version}`);
  }
  if (item.expiresAt !== undefined && (!Number.isSafeInteger(item.expiresAt) || item.expiresAt < 0)) {
    throw new DomainError('INVALID', `expiresAt of an item must be whole epoch seconds, got ${item.expiresAt}`);
  }
  for (const key of Object.values(item.indexes ?? {})) if (key) checkKey(key);
}

/** Throws INVALID unless the limit is 1..1000 and keys are well-formed. */
export function checkQuery(query: Query): void {
  checkKeyPart('pk', query.pk);
  if (query.prefix) checkKeyPart('prefix', query.prefix);
  if (query.after !== undefined) checkKeyPart('after', query.after);
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > MAX_PAGE) {
    throw new DomainError('INVALID', `limit of a query must be 1..${MAX_PAGE}, got ${query.limit}`);
  }
}

/**
 * The JSON text to store for each put, in order of `writes`, undefined for the others.
 * Throws TOO_LARGE over 350 KB an item or 4 MB a transaction.
 */
export function encodeData(writes: readonly Write[]): (string | undefined)[] {
  let total = 0;
  const texts = writes.map((write) => {
    if (!('put' in write)) return undefined;
    const text = JSON.stringify(write.put.data);
    const bytes = byteLength(text);
    if (bytes > MAX_DATA_BYTES) {
      throw new DomainError('TOO_LARGE', `data of an item must take at most ${MAX_DATA_BYTES} bytes, got ${bytes}`);
    }
    total += bytes;
    return text;
  });
  if (total > MAX_TRANSACTION_BYTES) {
    throw new DomainError('TOO_LARGE', `a transaction must take at most ${MAX_TRANSACTION_BYTES} bytes, got ${total}`);
  }
  return texts;
}

/**
 * The first text that sorts after every text that begins with `prefix`, in order of UTF-8 bytes (which is the order of
 * code points), or undefined if there is none.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // Surrogates are not characters: U+E000 follows U+D7FF.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}
