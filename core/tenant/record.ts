import type { IndexName, Item, JsonObject, Key, Partition } from '../ports/table.ts';
import type { Step } from '../progress/step.ts';
import type { TierName } from '../tier/tiers.ts';
import { TENANT_ID } from './ids.ts';
import type { RegistrationStatus, TenantState } from './lifecycle.ts';

/** The control plane's record of a tenant. A registration is another view of the same record, so the two always agree. */
export interface TenantRecord {
  readonly tenantId: string;
  readonly tenantName: string;
  /** `slugOf(tenantName)`; unique among living tenants. */
  readonly slug: string;
  /** The first administrator's; unique among living tenants, regardless of case. Empty once the tenant is deleted. */
  readonly email: string;
  readonly tier: TierName;
  readonly state: TenantState;
  /** Why it failed, in plain words. */
  readonly reason?: string;
  /** The steps of the last run, as the application plane reported them. */
  readonly steps?: readonly Step[];
  /** false from the request to delete it on; nothing sets it back. */
  readonly active: boolean;
  /** In the spelling of the application plane. */
  readonly registrationStatus: string;
  readonly tenantStatus?: string;
  /** JSON text with what a sign-in page needs. Public. */
  readonly tenantConfig?: string;
  /** Customer-defined keys of `tenantData` and `tenantRegistrationData`. */
  readonly tenantExtras: JsonObject;
  readonly registrationExtras: JsonObject;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** When state or data last changed; ISO 8601, UTC. */
  readonly modified: string;
}

/** The status of a registration before the first report. */
export const IN_PROGRESS: RegistrationStatus = 'In progress';

/**
 * What remains of a deleted tenant: ids, name, tier, state and times, so that logs and invoices can be read. The email of
 * its administrator and the customer's own keys are erased.
 */
export function erased({ tenantConfig: _config, ...record }: TenantRecord): TenantRecord {
  return { ...record, email: '', tenantExtras: {}, registrationExtras: {} };
}

const REGISTRATION_PREFIX = 'reg-';

export function registrationIdOf(tenantId: string): string {
  return `${REGISTRATION_PREFIX}${tenantId}`;
}

/** @returns the tenant id in a registration id, or undefined if it is not a registration id */
export function tenantIdOf(registrationId: string): string | undefined {
  if (!registrationId.startsWith(REGISTRATION_PREFIX)) return undefined;
  const tenantId = registrationId.slice(REGISTRATION_PREFIX.length);
  return TENANT_ID.test(tenantId) ? tenantId : undefined;
}

export function tenantKey(tenantId: string): Key<TenantRecord> {
  return { pk: `tenant#${tenantId}`, sk: 'tenant' };
}

/** The lock that the living tenant of this slug holds. */
export function slugLockKey(slug: string): Key<Lock> {
  return { pk: `tenant-slug#${slug}`, sk: 'lock' };
}

/** The lock that the living tenant whose first administrator has this email holds. */
export function emailLockKey(email: string): Key<Lock> {
  return { pk: `tenant-email#${email.toLowerCase()}`, sk: 'lock' };
}

/** Names the holder of a lock. */
export interface Lock {
  readonly tenantId: string;
}

/** Selects the tenants of a list. Each combination is one partition of an index, so a list is one keyset query. */
export interface TenantFilter {
  readonly state?: TenantState;
  readonly tier?: TierName;
}

/**
 * The partition with exactly the tenants of `filter`, sorted by slug, then by id. Deleted tenants have their own: only
 * `state: 'deleted'` selects them.
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

/** The record as an item, in the partition of each filter that it matches. */
export function tenantItem(record: TenantRecord, version: number): Item<TenantRecord> {
  // '#' sorts before every character of a slug, so 'acme' comes before 'acme-corp'.
  const sk = `${record.slug}#${record.tenantId}`;
  const { state, tier } = record;
  const filters: TenantFilter[] =
    state === 'deleted' ? [{ state }, { state, tier }] : [{}, { tier }, { state }, { state, tier }];
  const indexes = Object.fromEntries(filters.map(tenantPartition).map(({ index, pk }) => [index, { pk, sk }]));
  return { ...tenantKey(record.tenantId), version, data: record, indexes };
}
