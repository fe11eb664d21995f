import { hash } from 'node:crypto';
import { ConditionFailed, isDomainError } from '../../core/errors.ts';
import { type Intent, keepResult, requireIdempotencyKey, storedResult } from '../../core/http/idempotency.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Write } from '../../core/ports/table.ts';
import type { TenantData } from './tenant-context.ts';

export interface CreateRequest {
  readonly tenant: TenantData;
  /** The `Idempotency-Key` header as received. */
  readonly idempotencyKey: string | undefined;
  readonly body: unknown;
}

/**
 * Creates an item at most once per `Idempotency-Key` and tenant. Without a key, every call creates one.
 * Throws INVALID for a malformed key, CONFLICT for a key that was used with another body.
 *
 * @param create gets the writes that keep its result, for the transaction that creates the item
 * @returns the item that the first request with this key created
 */
export async function createOnce<T extends object>(
  { tenant, idempotencyKey, body }: CreateRequest,
  collection: string,
  clock: Clock,
  create: (keep: (created: T) => Write[]) => Promise<T>,
): Promise<T> {
  if (idempotencyKey === undefined) return create(() => []);
  requireIdempotencyKey(idempotencyKey);
  const intent: Intent = {
    key: { pk: `${tenant.tenantId}#${collection}#results`, sk: idempotencyKey },
    fingerprint: hash('sha256', JSON.stringify(body), 'base64url'),
  };
  const earlier = () => storedResult<T>(tenant.table, intent, 'CONFLICT');

  const known = await earlier();
  if (known) return known;
  try {
    return await create((created) => [keepResult(intent, created, clock.now())]);
  } catch (error) {
    // A repetition may have created the item between our read and our write.
    const lost = error instanceof ConditionFailed || isDomainError(error, 'CONFLICT');
    const winner = lost ? await earlier() : undefined;
    if (winner) return winner;
    throw error;
  }
}
