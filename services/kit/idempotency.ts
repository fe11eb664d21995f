import { hash } from 'node:crypto';
import { ConditionFailed, DomainError, isDomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { type Key, put, type Table, type Write } from '../../core/ports/table.ts';
import { invalid } from './problem.ts';

/** How long a create is remembered by its key. */
const REMEMBERED_SECONDS = 24 * 60 * 60;
const KEY = /^[\x21-\x7e]{1,255}$/;

interface Memory {
  readonly fingerprint: string;
  readonly created: object;
}

export interface CreateRequest {
  readonly tenant: { readonly tenantId: string; readonly table: Table };
  readonly idempotencyKey: string | undefined;
  readonly body: unknown;
}

/**
 * Creates at most once per `Idempotency-Key` and tenant: a repetition gets what the first call got, the same key with
 * another body gets CONFLICT. Without a key it just creates.
 *
 * @param create is given the writes that remember its result, to put in the same transaction
 */
export async function createOnce<T extends object>(
  { tenant, idempotencyKey, body }: CreateRequest,
  collection: string,
  clock: Clock,
  create: (remember: (created: T) => Write[]) => Promise<T>,
): Promise<T> {
  if (idempotencyKey === undefined) return create(() => []);
  if (!KEY.test(idempotencyKey)) {
    throw invalid(['header', 'Idempotency-Key'], 'must have 1 to 255 visible ASCII characters');
  }
  const key: Key<Memory> = { pk: `${tenant.tenantId}#${collection}#created`, sk: idempotencyKey };
  const fingerprint = hash('sha256', JSON.stringify(body), 'base64url');

  async function recall(): Promise<T | undefined> {
    const memory = await tenant.table.get(key);
    if (!memory) return undefined;
    if (memory.data.fingerprint === fingerprint) return memory.data.created as T;
    throw new DomainError('CONFLICT', 'Idempotency-Key must be new for each body; it came with another one before');
  }
  const remember = (created: T): Write[] => {
    const expiresAt = Math.floor(clock.now() / 1000) + REMEMBERED_SECONDS;
    return [put({ ...key, version: 1, data: { fingerprint, created }, expiresAt }, 'absent')];
  };

  const known = await recall();
  if (known) return known;
  try {
    return await create(remember);
  } catch (error) {
    // A twin of this very request may have been faster between our look and our write.
    const lost = error instanceof ConditionFailed || isDomainError(error, 'CONFLICT');
    const twin = lost ? await recall() : undefined;
    if (twin) return twin;
    throw error;
  }
}
