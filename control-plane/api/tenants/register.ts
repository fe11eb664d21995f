import { ConditionFailed, DomainError, type FieldIssue, isDomainError } from '../../../core/errors.ts';
import { type EventName, envelope } from '../../../core/events/events.ts';
import { outboxWrites } from '../../../core/events/outbox.ts';
import { slugOf } from '../../../core/fields/slug.ts';
import type { Intent } from '../../../core/http/idempotency.ts';
import { invalid } from '../../../core/http/parse.ts';
import { checkPassword, MIN_PASSWORD_LENGTH } from '../../../core/identity/password-policy.ts';
import { withdrawnPassword } from '../../../core/identity/users/user-creation.ts';
import { placeOf } from '../../../core/plan/place.ts';
import type { JsonObject, Write } from '../../../core/ports/table.ts';
import { newId } from '../../../core/tenant/ids.ts';
import { IN_PROGRESS, type TenantRecord } from '../../../core/tenant/record.ts';
import { RESERVED_NAMES, reservedSlugs } from '../../../core/tenant/reserved-names.ts';
import { onboardingDetail } from '../../../core/tenant/views.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import type { ControlPlaneDeps, StoreDeps } from '../http/deps.ts';
import { earlierResult, resultWrites } from '../http/idempotency.ts';
import { emailTaken, insertTenant, nameTaken, tenantBySlug, tenantIdByEmail } from './tenant-store.ts';

/** A valid request for a tenant. */
export interface NewTenant {
  readonly tenantName: string;
  readonly email: string;
  readonly tier: TierName;
  readonly tenantExtras: JsonObject;
  readonly registrationExtras: JsonObject;
  /** Whether the client sent a registrationStatus; SBT's event repeats it only then. */
  readonly statusGiven: boolean;
}

/** The outbox write of an event that the control plane sends. */
export function eventWrites({ clock, random }: StoreDeps, name: EventName, detail: JsonObject): Write[] {
  return outboxWrites([envelope(newId(clock.now(), random), name, detail, clock.now())]);
}

/** The record of a new tenant. */
export function newRecord({ clock, random }: StoreDeps, tenant: NewTenant): TenantRecord {
  const now = new Date(clock.now()).toISOString();
  return {
    tenantId: newId(clock.now(), random),
    tenantName: tenant.tenantName,
    slug: slugOf(tenant.tenantName),
    email: tenant.email,
    tier: tenant.tier,
    state: 'registered',
    active: true,
    registrationStatus: IN_PROGRESS,
    tenantExtras: tenant.tenantExtras,
    registrationExtras: tenant.registrationExtras,
    created: now,
    modified: now,
  };
}

/** A registration, ready to be stored. */
export interface Registration<T> {
  readonly record: TenantRecord;
  /** Whether the client sent a registrationStatus; SBT's event repeats it only then. */
  readonly statusGiven: boolean;
  readonly intent: Intent | undefined;
  /** The response body of the request and of every repetition of it. */
  readonly result: T;
  /** Stages the administrator's password. @default - the administrator is invited by mail */
  readonly staged?: Write;
}

/**
 * Stages the password, then stores the tenant, its locks, its event and the result in one transaction. The password comes
 * first, as it must be there when the application plane creates the administrator. It is withdrawn if the registration does
 * not happen, and expires where that cannot be known (docs/decisions/0028).
 * Throws CONFLICT for a taken name or email.
 *
 * @returns `result`, or the result of an earlier request with the same intent, including one that ran at the same time
 */
export async function registerOnce<T>(
  deps: StoreDeps & Pick<ControlPlaneDeps, 'administrators'>,
  { record, statusGiven, intent, result, staged }: Registration<T>,
): Promise<T> {
  const event = eventWrites(deps, 'onboardingRequest', onboardingDetail(record, statusGiven));
  if (staged) await deps.administrators.table.transact([staged]);
  try {
    await insertTenant(deps, record, [...resultWrites(deps, intent, result), ...event]);
    return result;
  } catch (error) {
    if (staged && isRefused(error)) await withdrawPassword(deps, record.tenantId);
    const earlier = error instanceof ConditionFailed ? await earlierResult<T>(deps, intent) : undefined;
    if (earlier) return earlier;
    throw error;
  }
}

/** Whether nothing was stored, for example because the caller has lost the right. Other errors leave open what was stored. */
function isRefused(error: unknown): boolean {
  return isDomainError(error) && !['UNAVAILABLE', 'INTERNAL'].includes(error.code);
}

/** If it fails, the password expires. */
async function withdrawPassword(
  { administrators, clock }: Pick<ControlPlaneDeps, 'administrators' | 'clock'>,
  tenantId: string,
): Promise<void> {
  await administrators.table.transact([withdrawnPassword(tenantId, clock.now())]).catch(() => undefined);
}

/**
 * Whether the email belongs to a user of the realm that a tenant of this tier shares: provisioning could not create the
 * admin there. A tenant with its own realm may have any email.
 */
export async function isEmailOfUser(
  deps: ControlPlaneDeps,
  { tenantId, tier, email }: Pick<TenantRecord, 'tenantId' | 'tier' | 'email'>,
): Promise<boolean> {
  const { realm } = placeOf(tenantId, deps.operator.tiers[tier]);
  return realm === 'pool' && deps.administrators.identity.emailTaken(realm, email);
}

const RESERVED = reservedSlugs(RESERVED_NAMES);

/** Throws INVALID at `loc` for a name that means something else at this platform. */
export function refuseReservedName(
  { reservedSlugs: reserved = RESERVED }: Pick<ControlPlaneDeps, 'reservedSlugs'>,
  name: string,
  loc: FieldIssue['loc'],
): void {
  if (reserved.has(slugOf(name))) throw invalid(loc, 'reserved', 'is reserved by the platform; choose another name');
}

/** Throws INVALID with the field and every broken rule. The error never contains the password. */
export function requirePassword(field: string, password: string): void {
  const broken = checkPassword(password, MIN_PASSWORD_LENGTH);
  if (broken.length === 0) return;
  const issues = broken.map((msg) => ({ loc: ['body', field], type: 'password_policy', msg }));
  throw new DomainError('INVALID', `${field} is too weak`, { issues });
}

/** Registers a tenant. Throws CONFLICT for a taken name or email, INVALID for a reserved name or a weak password. */
export async function register<T>(
  deps: ControlPlaneDeps,
  tenant: NewTenant,
  options: {
    readonly adminPassword?: string | undefined;
    readonly intent?: Intent | undefined;
    /** Where the request has the name, for errors. */
    readonly nameAt: FieldIssue['loc'];
    /** The response body of the request and of every repetition of it. */
    readonly result: (record: TenantRecord) => T;
  },
): Promise<T> {
  refuseReservedName(deps, tenant.tenantName, options.nameAt);
  if (options.adminPassword !== undefined) requirePassword('adminPassword', options.adminPassword);
  const earlier = await earlierResult<T>(deps, options.intent);
  if (earlier) return earlier;
  const record = newRecord(deps, tenant);
  if (await isEmailOfUser(deps, record)) throw emailTaken(record.email);
  const { adminPassword, intent } = options;
  const result = options.result(record);
  if (adminPassword === undefined)
    return registerOnce(deps, { record, statusGiven: tenant.statusGiven, intent, result });
  // A registration that is known to be refused stores no password, not even for a moment.
  const refusal = await refusalOf(deps, record);
  if (refusal) {
    const repeated = await earlierResult<T>(deps, intent);
    if (repeated) return repeated;
    throw refusal;
  }
  const staged = await deps.administrators.identity.stagedPassword(record.tenantId, record.email, adminPassword);
  return registerOnce(deps, { record, statusGiven: tenant.statusGiven, intent, result, staged });
}

/** The error for a name or an email that is taken now, or undefined. */
async function refusalOf(deps: StoreDeps, { slug, tenantName, email }: TenantRecord): Promise<DomainError | undefined> {
  if (await tenantBySlug(deps, slug)) return nameTaken(tenantName);
  return (await tenantIdByEmail(deps, email)) === undefined ? undefined : emailTaken(email);
}
