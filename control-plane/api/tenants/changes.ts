import { defined } from '../../../core/defined.ts';
import { slugOf } from '../../../core/fields/slug.ts';
import { invalid } from '../../../core/http/parse.ts';
import type { JsonObject, Write } from '../../../core/ports/table.ts';
import type { Step } from '../../../core/progress/step.ts';
import {
  type ReportEvent,
  type RetryRule,
  stateAfterAction,
  stateAfterReport,
  type TenantState,
} from '../../../core/tenant/lifecycle.ts';
import { erased, IN_PROGRESS, type TenantRecord } from '../../../core/tenant/record.ts';
import { reportEventOf } from '../../../core/tenant/report.ts';
import { checkExtras, RESERVED_KEYS, TENANT_FIELDS } from '../../../core/tenant/reserved.ts';
import { offboardingDetail, onboardingDetail } from '../../../core/tenant/views.ts';
import type { StoreDeps } from '../http/deps.ts';
import { eventWrites, refuseReservedName } from './register.ts';
import type { RegistrationChange, RegistrationReport } from './requests.ts';
import { changeTenant, type TenantChange } from './tenant-store.ts';

export interface ChangeDeps extends StoreDeps {
  /** Work in progress for longer than this may be retried, in milliseconds. @default 600_000 (10 minutes) */
  readonly stalledAfterMs?: number;
  /** Slugs that no new name may have. @default - those of RESERVED_NAMES */
  readonly reservedSlugs?: ReadonlySet<string>;
}

/** The customer's own keys of a parsed object. A key whose value is null is absent. */
export function extrasOf(given: object): JsonObject {
  return withoutNulls(givenExtras(given));
}

function givenExtras(given: object): JsonObject {
  const ours: readonly string[] = [...RESERVED_KEYS, ...TENANT_FIELDS];
  return Object.fromEntries(Object.entries(given).filter(([key, value]) => !ours.includes(key) && value !== undefined));
}

function withoutNulls(extras: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(extras).filter(([, value]) => value !== null));
}

/** The keys after a change. The value null removes a key. */
function mergeExtras(part: string, before: JsonObject, given: object): JsonObject {
  const merged = withoutNulls({ ...before, ...givenExtras(given) });
  const problem = checkExtras(merged);
  if (problem) throw invalid(['body', part], 'too_long', problem);
  return merged;
}

/**
 * Changes a customer's data for an administrator; credentials stay as they are. An empty change does nothing.
 * Throws NOT_FOUND; INVALID for a reserved name; CONFLICT for a taken name or email, and for a tenant that is being deleted.
 */
export function updateTenant(deps: ChangeDeps, tenantId: string, change: RegistrationChange): Promise<TenantRecord> {
  const { tenantData, tenantRegistrationData } = change;
  return changeTenant(deps, tenantId, (record) => {
    if (isEmpty(change)) return undefined;
    const tenantName = tenantData.tenantName ?? record.tenantName;
    const slug = slugOf(tenantName);
    // A tenant keeps a name that was reserved after it had got it.
    if (slug !== record.slug) refuseReservedName(deps, tenantName, ['body', 'tenantData', 'tenantName']);
    return {
      record: {
        ...record,
        state: stateAfterAction(record, 'edit', retryRule(deps)),
        tenantName,
        slug,
        email: tenantData.email ?? record.email,
        tenantExtras: mergeExtras('tenantData', record.tenantExtras, tenantData),
        registrationExtras: mergeExtras('tenantRegistrationData', record.registrationExtras, tenantRegistrationData),
      },
    };
  });
}

/**
 * Applies a report of the application plane. A stale report changes nothing and is not an error.
 * @param event the event that carried the report. @default - the one that its status stands for
 * @param further written with the change, so that a consumer's mark of the event is as durable as its effect
 */
export function applyReport(
  deps: StoreDeps,
  tenantId: string,
  report: RegistrationReport,
  { event, further = [] }: { readonly event?: ReportEvent; readonly further?: readonly Write[] } = {},
): Promise<TenantRecord> {
  return changeTenant(deps, tenantId, (record) => {
    const after = reportedRecord(record, report, event);
    return after && { record: after, further };
  });
}

function reportedRecord(
  record: TenantRecord,
  report: RegistrationReport,
  event: ReportEvent | undefined,
): TenantRecord | undefined {
  if (isEmpty(report)) return undefined;
  const { tenantData, tenantRegistrationData } = report;
  const { registrationStatus } = tenantRegistrationData;
  const state = reportedState(record, registrationStatus, event);
  if (!state) return undefined;
  const reported: TenantRecord = defined({
    ...record,
    state,
    reason:
      state === 'failed'
        ? (tenantData.reason ?? tenantRegistrationData.reason ?? record.reason ?? 'no reason was given')
        : undefined,
    steps: (tenantData.steps as readonly Step[] | undefined) ?? record.steps,
    registrationStatus: registrationStatus ?? record.registrationStatus,
    tenantStatus: tenantData.tenantStatus ?? record.tenantStatus,
    tenantConfig: tenantData.tenantConfig ?? record.tenantConfig,
    tenantExtras: mergeExtras('tenantData', record.tenantExtras, tenantData),
    registrationExtras: mergeExtras('tenantRegistrationData', record.registrationExtras, tenantRegistrationData),
  });
  return state === 'deleted' ? erased(reported) : reported;
}

function isEmpty({ tenantData, tenantRegistrationData }: RegistrationChange | RegistrationReport): boolean {
  return Object.keys(tenantData).length + Object.keys(tenantRegistrationData).length === 0;
}

/** @returns undefined for a stale report */
function reportedState(
  record: TenantRecord,
  registrationStatus: string | undefined,
  event: ReportEvent | undefined,
): TenantState | undefined {
  // A report of data alone leaves the state as it is; a deleted tenant takes no more data.
  if (registrationStatus === undefined) return record.state === 'deleted' ? undefined : record.state;
  const reported = event ?? reportEventOf(record, registrationStatus);
  return reported && stateAfterReport(record, reported);
}

/** Requests the deletion of a tenant. Throws NOT_FOUND, CONFLICT if it cannot be deleted now. */
export function offboard(deps: ChangeDeps, tenantId: string): Promise<TenantRecord> {
  return changeTenant(deps, tenantId, (record) =>
    offboarding(deps, record, stateAfterAction(record, 'delete', retryRule(deps))),
  );
}

/** Requests again what failed or stalled. Throws NOT_FOUND, CONFLICT where nothing did. */
export function retry(deps: ChangeDeps, tenantId: string): Promise<TenantRecord> {
  return changeTenant(deps, tenantId, (record) => {
    const state = stateAfterAction(record, 'retry', retryRule(deps));
    return record.active ? onboarding(deps, record, state) : offboarding(deps, record, state);
  });
}

/** When a retry of a tenant's work in progress is allowed, now. */
export function retryRule({ clock, stalledAfterMs }: ChangeDeps): RetryRule {
  return { now: clock.now(), ...defined({ stalledAfterMs }) };
}

function onboarding(deps: StoreDeps, record: TenantRecord, state: TenantState): TenantChange {
  const again: TenantRecord = { ...withoutReason(record), state, registrationStatus: IN_PROGRESS };
  return { record: again, further: eventWrites(deps, 'onboardingRequest', onboardingDetail(again, true)) };
}

function offboarding(deps: StoreDeps, record: TenantRecord, state: TenantState): TenantChange {
  return {
    record: { ...withoutReason(record), active: false, state },
    further: eventWrites(deps, 'offboardingRequest', offboardingDetail(record)),
  };
}

function withoutReason({ reason: _, ...record }: TenantRecord): TenantRecord {
  return record;
}
