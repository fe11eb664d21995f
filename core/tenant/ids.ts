import { CROCKFORD, crockfordText } from '../encoding/crockford.ts';
import { DomainError } from '../errors.ts';
import type { RandomBytes } from '../ports/clock.ts';
import type { RealmId } from '../ports/identity.ts';
import type { ClusterId } from '../ports/places.ts';

export const MAX_TENANT_ID_LENGTH = 26;
/** Server-made; clients cannot choose one. */
export const TENANT_ID = new RegExp(`^[a-z0-9]{8,${MAX_TENANT_ID_LENGTH}}$`);

/** On AWS: the tag of a session that reaches the data of one tenant. Its value is the tenant's id. */
export const TENANT_TAG = 'tenantId';

/** The form of the ids that this platform creates, also in the ids that begin with another word (registration, realm). */
const ID_SHAPE = new RegExp(`^(?:reg-|tenant-)?[a-z0-9]{${MAX_TENANT_ID_LENGTH}}$`);

/** Whether the text has the form of an id that `newId` creates, in any case of letters. */
export function hasIdShape(text: string): boolean {
  return ID_SHAPE.test(text.trim().toLowerCase());
}

const OF_TENANT = `tenant-${TENANT_ID.source.slice(1, -1)}`;

export const REALM_ID = new RegExp(`^(admin|pool|${OF_TENANT})$`);
export const CLUSTER_ID = new RegExp(`^(pool|shared|${OF_TENANT})$`);

/** Throws INVALID. */
export function requireTenantId(tenantId: string): void {
  if (!TENANT_ID.test(tenantId)) throw new DomainError('INVALID', `tenant must match ${TENANT_ID}, got '${tenantId}'`);
}

export function isRealmId(value: unknown): value is RealmId {
  return typeof value === 'string' && REALM_ID.test(value);
}

export function isClusterId(value: unknown): value is ClusterId {
  return typeof value === 'string' && CLUSTER_ID.test(value);
}

/**
 * 26 characters of [0-9a-z]: 48 bits of time (so ids sort by creation) and 80 random bits, as a ULID in lower case.
 * @see https://github.com/ulid/spec
 */
export function newId(nowMs: number, random: RandomBytes): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < 10; i++) {
    time = CROCKFORD[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  return time + crockfordText(random(16));
}
