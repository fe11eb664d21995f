import type { JsonObject } from '../ports/table.ts';
import { registrationIdOf, type TenantRecord } from './record.ts';

function tenantFields(record: TenantRecord) {
  return {
    tenantName: record.tenantName,
    email: record.email,
    tier: record.tier,
    tenantRegistrationId: registrationIdOf(record.tenantId),
    tenantId: record.tenantId,
  };
}

/** The response of SBT's tenant management. Customer-defined keys come first, so that they never overwrite ours. */
function sbtTenant(record: TenantRecord) {
  return {
    ...record.tenantExtras,
    ...tenantFields(record),
    sbtaws_active: record.active,
    ...(record.tenantStatus !== undefined && { tenantStatus: record.tenantStatus }),
    ...(record.tenantConfig !== undefined && { tenantConfig: record.tenantConfig }),
  };
}

/** The response of SBT's tenant registrations. */
function sbtRegistration(record: TenantRecord) {
  return {
    ...record.registrationExtras,
    tenantRegistrationId: registrationIdOf(record.tenantId),
    sbtaws_active: record.active,
    registrationStatus: record.registrationStatus,
    tenantId: record.tenantId,
  };
}

/** Our additions to SBT's fields. */
function additions(record: TenantRecord) {
  return {
    state: record.state,
    ...(record.reason !== undefined && { reason: record.reason }),
    ...(record.steps !== undefined && { steps: record.steps }),
    created: record.created,
    modified: record.modified,
  };
}

/** A tenant in the API. */
export function tenantView(record: TenantRecord) {
  return { ...sbtTenant(record), slug: record.slug, ...additions(record) };
}

/** A registration in the API. */
export function registrationView(record: TenantRecord) {
  return { ...sbtRegistration(record), ...additions(record) };
}

/**
 * Detail of SBT's onboardingRequest: the fields of the registration and of the tenant in one object.
 * @param statusGiven whether the client sent a registrationStatus; SBT repeats only what it received
 */
export function onboardingDetail(record: TenantRecord, statusGiven: boolean): JsonObject {
  return {
    ...record.registrationExtras,
    ...(statusGiven && { registrationStatus: record.registrationStatus }),
    ...record.tenantExtras,
    ...tenantFields(record),
  };
}

/** Detail of SBT's offboardingRequest: the tenant and its registration when the deletion was requested. */
export function offboardingDetail(record: TenantRecord): JsonObject {
  return { ...sbtTenant(record), ...sbtRegistration(record) };
}
