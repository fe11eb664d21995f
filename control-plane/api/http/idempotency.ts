import { createHash } from 'node:crypto';
import { type Key, put, type Write } from '../../../core/ports/table.ts';
import type { StoreDeps } from './deps.ts';
import type { ApiResponse } from './http.ts';
import { invalid } from './problems.ts';

const KEEP_SECONDS = 24 * 3600;
const KEY = /^[\x21-\x7e]{1,255}$/;

/** One intent, named by its client; a repetition is answered as the first call was. */
export interface Intent {
  readonly key: Key<Stored>;
  readonly fingerprint: string;
}

interface Stored {
  readonly fingerprint: string;
  readonly status: number;
  readonly body: unknown;
}

/**
 * The intent of a request, or undefined without an `Idempotency-Key`. Throws INVALID for a malformed key.
 * @param scope what the key is unique in: route and caller
 * @param content what must be the same in a repetition; no secrets, for its digest is stored
 */
export function intentOf(headerValue: string | undefined, scope: string, content: unknown): Intent | undefined {
  if (headerValue === undefined) return undefined;
  if (!KEY.test(headerValue)) {
    throw invalid(
      ['header', 'idempotency-key'],
      'string_pattern_mismatch',
      'must have 1 to 255 visible ASCII characters',
    );
  }
  return {
    key: { pk: `idempotency#${digest(`${scope}\n${headerValue}`)}`, sk: 'answer' },
    fingerprint: digest(JSON.stringify(content)),
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** The first answer of this intent, or undefined if it is new. Throws INVALID if it came with other content. */
export async function earlierAnswer(
  { table }: StoreDeps,
  intent: Intent | undefined,
): Promise<ApiResponse | undefined> {
  const stored = intent && (await table.get(intent.key))?.data;
  if (!stored) return undefined;
  if (stored.fingerprint !== intent.fingerprint) {
    throw invalid(['header', 'idempotency-key'], 'idempotency_key_reused', 'was used for another request already');
  }
  return { status: stored.status, body: stored.body };
}

/** Remembers the answer for 24 hours, in the transaction of what it answers. */
export function rememberWrites({ clock }: StoreDeps, intent: Intent | undefined, answer: ApiResponse): Write[] {
  if (!intent) return [];
  const data: Stored = { fingerprint: intent.fingerprint, status: answer.status, body: answer.body };
  const expiresAt = Math.floor(clock.now() / 1000) + KEEP_SECONDS;
  return [put({ ...intent.key, version: 1, data, expiresAt }, 'absent')];
}
