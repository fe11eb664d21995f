import { type Check, type Key, put, type Write } from '../ports/table.ts';

/**
 * Marks a tenant whose data is deleted, in the store that held the data. No write of the tenant commits beside the mark. So
 * a request that was admitted before the deletion leaves nothing behind.
 */
export interface ClosedTenant {
  readonly tenantId: string;
}

/**
 * How long the mark is kept. Every token of the tenant has expired by then, and no request lasts that long. Ids are never
 * used again.
 */
const KEEP_SECONDS = 24 * 60 * 60;

/** The partition of the mark. It is not one of the tenant's, so that the tenant's own services cannot remove the mark. */
export function closedPartition(tenantId: string): string {
  return `closed#${tenantId}`;
}

function closedKey(tenantId: string): Key<ClosedTenant> {
  return { pk: closedPartition(tenantId), sk: 'closed' };
}

/** The write that closes the tenant. Idempotent. Delete the tenant's data after it. */
export function closing(tenantId: string, nowMs: number): Write {
  const expiresAt = Math.floor(nowMs / 1000) + KEEP_SECONDS;
  return put({ ...closedKey(tenantId), version: 1, data: { tenantId }, expiresAt });
}

/** Holds as long as the tenant is not closed. */
export function notClosed(tenantId: string): Check {
  return { check: closedKey(tenantId), if: 'absent' };
}
