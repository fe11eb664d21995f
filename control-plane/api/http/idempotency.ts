import { createHash } from 'node:crypto';
import { type Intent, keepResult, requireIdempotencyKey, storedResult } from '../../../core/http/idempotency.ts';
import type { Write } from '../../../core/ports/table.ts';
import type { StoreDeps } from './deps.ts';

export const IDEMPOTENCY_HEADER = {
  'idempotency-key':
    'A repetition with the same key and body within 24 hours returns the first response; with another body, 422.',
} as const;

/**
 * The intent of a request, or undefined without an `Idempotency-Key`. Throws INVALID for a malformed key.
 * @param scope what the key is unique in: operation and caller
 * @param content what a repetition must have in common; must hold no secrets, as its digest is stored
 */
export function intentOf(headerValue: string | undefined, scope: string, content: unknown): Intent | undefined {
  if (headerValue === undefined) return undefined;
  requireIdempotencyKey(headerValue);
  return {
    key: { pk: `idempotency#${digest(`${scope}\n${headerValue}`)}`, sk: 'result' },
    fingerprint: digest(JSON.stringify(content)),
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** The result of the first request with this intent, or undefined. Throws INVALID if it had other content. */
export async function earlierResult<T>({ table }: StoreDeps, intent: Intent | undefined): Promise<T | undefined> {
  return intent && storedResult<T>(table, intent, 'INVALID');
}

/** The writes that keep `result` for repetitions; none without an intent. */
export function resultWrites({ clock }: StoreDeps, intent: Intent | undefined, result: unknown): Write[] {
  return intent ? [keepResult(intent, result, clock.now())] : [];
}
