import type { JsonObject } from '../ports/table.ts';
import { registrationIdOf, type TenantRecord } from './record.ts';

/** What SBT's tenant-management answers; the customer's own keys first, so that they never hide ours. */
function sbtTenant(record: TenantRecord) {
  return {
    ...record.tenantExtras,
    tenantName: record.tenantName,
    email: record.email,
    tier: record.tier,
    tenantRegistrationId: registrationIdOf(record.tenantId),
    tenantId: record.tenantId,
    sbtaws_active: record.active,
    ...(record.tenantStatus !== undefined && { tenantStatus: record.tenantStatus }),
    ...(record.tenantConfig !== undefined && { tenantConfig: record.tenantConfig }),
  };
}

/** What SBT's tenant-registrations answers. */
function sbtRegistration(record: TenantRecord) {
  return {
    ...record.registrationExtras,
    tenantRegistrationId: registrationIdOf(record.tenantId),
    sbtaws_active: record.active,
    registrationStatus: record.registrationStatus,
    tenantId: record.tenantId,
  };
}

/** Ours, beside SBT's. */
function additions(record: TenantRecord) {
  return {
    state: record.state,
    ...(record.reason !== undefined && { reason: record.reason }),
    ...(record.steps !== undefined && { steps: record.steps }),
    created: record.created,
    modified: record.modified,
  };
}

/** A tenant as the API shows it. */
export function tenantView(record: TenantRecord) {
  return { ...sbtTenant(record), slug: record.slug, ...additions(record) };
}

/** A registration as the API shows it. */
export function registrationView(record: TenantRecord) {
  return { ...sbtRegistration(record), ...additions(record) };
}

/**
 * Detail of SBT's onboardingRequest: the registration's fields and the tenant's, flattened.
 * @param statusGiven whether the client named a registrationStatus; SBT passes on only what it was given
 */
export function onboardingDetail(record: TenantRecord, statusGiven: boolean): JsonObject {
  return {
    ...record.registrationExtras,
    ...(statusGiven && { registrationStatus: record.registrationStatus }),
    ...record.tenantExtras,
    tenantName: record.tenantName,
    email: record.email,
    tier: record.tier,
    tenantRegistrationId: registrationIdOf(record.tenantId),
    tenantId: record.tenantId,
  };
}

/** Detail of SBT's offboardingRequest: the tenant and its registration as they stood when deletion was asked for. */
export function offboardingDetail(record: TenantRecord): JsonObject {
  return { ...sbtTenant(record), ...sbtRegistration(record) };
}
