import type { IndexName, Item, JsonObject, Key, Partition } from '../ports/table.ts';
import type { TierName } from '../tier/tiers.ts';
import type { RegistrationStatus, Step, TenantState } from './lifecycle.ts';
import { TENANT_ID } from './names.ts';

/**
 * A tenant as the control plane keeps it. A registration is another view of the same record, so that the two can
 * never tell different stories.
 */
export interface TenantRecord {
  readonly tenantId: string;
  readonly tenantName: string;
  /** `slugOf(tenantName)`; unique among living tenants. */
  readonly slug: string;
  /** The first admin's; unique among living tenants, compared in lower case. */
  readonly email: string;
  readonly tier: TierName;
  readonly state: TenantState;
  /** Why it failed, in plain words. */
  readonly reason?: string;
  /** What the application plane reported of its last run. */
  readonly steps?: readonly Step[];
  /** false from the request to delete it on; nothing sets it back. */
  readonly active: boolean;
  /** As the application plane spelt it. */
  readonly registrationStatus: string;
  readonly tenantStatus?: string;
  /** JSON text of what a login page needs; public. */
  readonly tenantConfig?: string;
  /** The customer's own keys, as given inside `tenantData` and `tenantRegistrationData`. */
  readonly tenantExtras: JsonObject;
  readonly registrationExtras: JsonObject;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Of the last change of state or data; ISO 8601, UTC. */
  readonly modified: string;
}

/** Of a registration nobody has reported on yet. */
export const IN_PROGRESS: RegistrationStatus = 'In progress';

const REGISTRATION_PREFIX = 'reg-';

export function registrationIdOf(tenantId: string): string {
  return `${REGISTRATION_PREFIX}${tenantId}`;
}

/** @returns the tenant of this registration id, or undefined if it is none of ours */
export function tenantIdOf(registrationId: string): string | undefined {
  if (!registrationId.startsWith(REGISTRATION_PREFIX)) return undefined;
  const tenantId = registrationId.slice(REGISTRATION_PREFIX.length);
  return TENANT_ID.test(tenantId) ? tenantId : undefined;
}

export function tenantKey(tenantId: string): Key<TenantRecord> {
  return { pk: `tenant#${tenantId}`, sk: 'tenant' };
}

/** Held by the living tenant of this slug. */
export function slugLockKey(slug: string): Key<Lock> {
  return { pk: `tenant-slug#${slug}`, sk: 'lock' };
}

/** Held by the living tenant whose first admin has this email. */
export function emailLockKey(email: string): Key<Lock> {
  return { pk: `tenant-email#${email.toLowerCase()}`, sk: 'lock' };
}

/** What a lock says: whose it is. */
export interface Lock {
  readonly tenantId: string;
}

/** Which tenants a list shows; a partition of one index each, so that every combination is one keyset query. */
export interface TenantFilter {
  readonly state?: TenantState;
  readonly tier?: TierName;
}

/**
 * The partition that holds exactly the tenants of `filter`, sorted by slug, then id. Deleted ones are apart: only
 * `state: 'deleted'` leads to them.
 */
export function tenantPartition({
  state,
  tier,
}: TenantFilter): Partition<TenantRecord> & { readonly index: IndexName } {
  const life = state === 'deleted' ? 'deleted' : 'living';
  if (state === undefined || state === 'deleted') {
    return tier === undefined
      ? { index: 'g1', pk: `tenants|${life}` }
      : { index: 'g2', pk: `tenants|${life}|tier=${tier}` };
  }
  return tier === undefined
    ? { index: 'g3', pk: `tenants|state=${state}` }
    : { index: 'g4', pk: `tenants|state=${state}|tier=${tier}` };
}

/** The record as an item, in the partition of each filter it matches. */
export function tenantItem(record: TenantRecord, version: number): Item<TenantRecord> {
  // '#' sorts before everything a slug is made of, so 'acme' stands before 'acme-corp'.
  const sk = `${record.slug}#${record.tenantId}`;
  const { state, tier } = record;
  const filters: TenantFilter[] =
    state === 'deleted' ? [{ state }, { state, tier }] : [{}, { tier }, { state }, { state, tier }];
  const indexes = Object.fromEntries(filters.map(tenantPartition).map(({ index, pk }) => [index, { pk, sk }]));
  return { ...tenantKey(record.tenantId), version, data: record, indexes };
}
