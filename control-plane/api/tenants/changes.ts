import { defined } from '../../../core/defined.ts';
import { DomainError } from '../../../core/errors.ts';
import type { JsonObject, Write } from '../../../core/ports/table.ts';
import { mayFollow, type Step } from '../../../core/tenant/lifecycle.ts';
import { slugOf } from '../../../core/tenant/names.ts';
import { IN_PROGRESS, type TenantRecord } from '../../../core/tenant/record.ts';
import { type Errand, parseOutcome, stateAfter } from '../../../core/tenant/report.ts';
import { checkExtras, RESERVED_KEYS, TENANT_FIELDS } from '../../../core/tenant/reserved.ts';
import { offboardingDetail, onboardingDetail } from '../../../core/tenant/views.ts';
import type { StoreDeps } from '../http/deps.ts';
import { invalid } from '../http/problems.ts';
import type { RegistrationChange, RegistrationReport } from '../http/schemas.ts';
import { eventWrites } from './register.ts';
import { changeTenant } from './tenant-store.ts';

const DEFAULT_STALLED_AFTER_MS = 600_000;

/** The customer's own keys of a parsed object. */
export function extrasOf(given: object): JsonObject {
  const ours: readonly string[] = [...RESERVED_KEYS, ...TENANT_FIELDS];
  return Object.fromEntries(Object.entries(given).filter(([key, value]) => !ours.includes(key) && value !== undefined));
}

function mergeExtras(part: string, before: JsonObject, given: object): JsonObject {
  const merged = { ...before, ...extrasOf(given) };
  const fault = checkExtras(merged);
  if (fault) throw invalid(['body', part], 'too_long', fault);
  return merged;
}

/**
 * An admin's change of a customer's data; credentials stay as they are. Nothing given changes nothing.
 * Throws NOT_FOUND, CONFLICT for a taken name or email and for a tenant being deleted.
 */
export function updateTenant(deps: StoreDeps, tenantId: string, change: RegistrationChange): Promise<TenantRecord> {
  const { tenantData, tenantRegistrationData } = change;
  return changeTenant(deps, tenantId, (record) => {
    if (Object.keys(tenantData).length + Object.keys(tenantRegistrationData).length === 0) return undefined;
    if (!record.active) throw new DomainError('CONFLICT', `Tenant ${tenantId} is ${record.state}`);
    const tenantName = tenantData.tenantName ?? record.tenantName;
    return {
      record: {
        ...record,
        tenantName,
        slug: slugOf(tenantName),
        email: tenantData.email ?? record.email,
        tenantExtras: mergeExtras('tenantData', record.tenantExtras, tenantData),
        registrationExtras: mergeExtras('tenantRegistrationData', record.registrationExtras, tenantRegistrationData),
      },
    };
  });
}

/**
 * Takes the application plane's word. A doubled, late or outrun report changes nothing and is no error.
 * @param errand what the report is about, where its event tells
 * @param further written with the change, so that a consumer's note of the event is as durable as its effect
 */
export function applyReport(
  deps: StoreDeps,
  tenantId: string,
  report: RegistrationReport,
  { errand, further = [] }: { readonly errand?: Errand; readonly further?: readonly Write[] } = {},
): Promise<TenantRecord> {
  return changeTenant(deps, tenantId, (record) => {
    const after = reportedRecord(record, report, errand);
    return after && { record: after, further };
  });
}

function reportedRecord(record: TenantRecord, report: RegistrationReport, errand?: Errand): TenantRecord | undefined {
  const { tenantData, tenantRegistrationData } = report;
  const word = tenantRegistrationData.registrationStatus;
  if (word === undefined && Object.keys(tenantData).length + Object.keys(tenantRegistrationData).length === 0) {
    return undefined;
  }
  const state = reportedState(record, word, errand);
  if (!state) return undefined;
  return defined({
    ...record,
    state,
    reason:
      state === 'failed'
        ? (tenantData.reason ?? tenantRegistrationData.reason ?? record.reason ?? 'no reason was given')
        : undefined,
    steps: (tenantData.steps as readonly Step[] | undefined) ?? record.steps,
    registrationStatus: word ?? record.registrationStatus,
    tenantStatus: tenantData.tenantStatus ?? record.tenantStatus,
    tenantConfig: tenantData.tenantConfig ?? record.tenantConfig,
    tenantExtras: mergeExtras('tenantData', record.tenantExtras, tenantData),
    registrationExtras: mergeExtras('tenantRegistrationData', record.registrationExtras, tenantRegistrationData),
  });
}

/** @returns undefined for a stale report */
function reportedState(
  record: TenantRecord,
  word: string | undefined,
  errand?: Errand,
): TenantRecord['state'] | undefined {
  if (word === undefined) return record.state === 'deleted' ? undefined : record.state;
  if (word === IN_PROGRESS) return record.state === 'registered' ? 'provisioning' : undefined;
  const outcome = parseOutcome(word);
  return outcome && stateAfter(record, outcome, errand);
}

/** Asks the application plane to remove the tenant. Throws NOT_FOUND, CONFLICT if that was asked already. */
export function offboard(deps: StoreDeps, tenantId: string): Promise<TenantRecord> {
  return changeTenant(deps, tenantId, (record) => {
    if (!record.active && record.state !== 'failed') {
      throw new DomainError(
        'CONFLICT',
        `Tenant registration deletion was initiated already; the tenant is ${record.state}`,
      );
    }
    if (!mayFollow(record.state, 'deprovisioning')) {
      throw new DomainError('CONFLICT', `A tenant that is ${record.state} cannot be deleted now`);
    }
    return askAgain(deps, record, 'offboarding');
  });
}

/** Asks again for what failed or stalled. Throws NOT_FOUND, CONFLICT where nothing did. */
export function retry(deps: StoreDeps & { readonly stalledAfterMs?: number }, tenantId: string): Promise<TenantRecord> {
  const { stalledAfterMs = DEFAULT_STALLED_AFTER_MS } = deps;
  return changeTenant(deps, tenantId, (record) => {
    const underWay = ['registered', 'provisioning', 'deprovisioning'].includes(record.state);
    const stalled = underWay && deps.clock.now() - Date.parse(record.modified) >= stalledAfterMs;
    if (record.state !== 'failed' && !stalled) {
      throw new DomainError('CONFLICT', `Only what failed or stalled can be retried; the tenant is ${record.state}`);
    }
    return askAgain(deps, record, record.active ? 'onboarding' : 'offboarding');
  });
}

function askAgain(deps: StoreDeps, record: TenantRecord, errand: Errand): { record: TenantRecord; further: Write[] } {
  if (errand === 'offboarding') {
    return {
      record: { ...withoutReason(record), active: false, state: 'deprovisioning' },
      further: eventWrites(deps, 'offboardingRequest', offboardingDetail(record)),
    };
  }
  const again: TenantRecord = {
    ...withoutReason(record),
    state: 'provisioning',
    registrationStatus: IN_PROGRESS,
  };
  return { record: again, further: eventWrites(deps, 'onboardingRequest', onboardingDetail(again, true)) };
}

function withoutReason({ reason: _, ...record }: TenantRecord): TenantRecord {
  return record;
}
