import { DomainError, type FieldIssue } from '../errors.ts';
import { type Key, put, type Table, type Write } from '../ports/table.ts';
import { invalid } from './parse.ts';

/** How long a result is kept under its key. */
const KEEP_SECONDS = 24 * 60 * 60;
const KEY = /^[\x21-\x7e]{1,255}$/;
const LOC: FieldIssue['loc'] = ['header', 'idempotency-key'];

/** A request that must take effect only once, identified by its `Idempotency-Key`. */
export interface Intent {
  /** Where the result is kept. */
  readonly key: Key<StoredResult>;
  /** Digest of the request's content; a repetition must have the same digest. */
  readonly fingerprint: string;
}

interface StoredResult {
  readonly fingerprint: string;
  readonly result: unknown;
}

/** Throws INVALID unless the header's value has 1 to 255 visible ASCII characters. */
export function requireIdempotencyKey(value: string): void {
  if (!KEY.test(value)) throw invalid(LOC, 'string_pattern_mismatch', 'must have 1 to 255 visible ASCII characters');
}

/**
 * @param reusedCode the error code for a key that was used with other content before
 * @returns the result kept for `intent`, or undefined where there is none
 */
export async function storedResult<T>(
  table: Table,
  intent: Intent,
  reusedCode: 'INVALID' | 'CONFLICT',
): Promise<T | undefined> {
  const stored = (await table.get(intent.key))?.data;
  if (!stored) return undefined;
  if (stored.fingerprint === intent.fingerprint) return stored.result as T;
  const msg = 'was used with other content before';
  const issues = [{ loc: LOC, type: 'idempotency_key_reused', msg }];
  throw new DomainError(reusedCode, `Idempotency-Key ${msg}`, { issues });
}

/** The write that keeps `result` for 24 hours. Put it into the transaction of the request's effects. */
export function keepResult(intent: Intent, result: unknown, nowMs: number): Write {
  const data: StoredResult = { fingerprint: intent.fingerprint, result };
  const expiresAt = Math.floor(nowMs / 1000) + KEEP_SECONDS;
  return put({ ...intent.key, version: 1, data, expiresAt }, 'absent');
}
