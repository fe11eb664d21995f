import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { type EventName, envelope } from '../../../core/events/events.ts';
import { outboxWrites } from '../../../core/events/outbox.ts';
import { checkPassword, MIN_PASSWORD_LENGTH } from '../../../core/identity/password-policy.ts';
import type { JsonObject, Write } from '../../../core/ports/table.ts';
import { newId, slugOf } from '../../../core/tenant/names.ts';
import { IN_PROGRESS, registrationIdOf, type TenantRecord } from '../../../core/tenant/record.ts';
import { onboardingDetail } from '../../../core/tenant/views.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import type { ControlPlaneDeps, StoreDeps } from '../http/deps.ts';
import type { ApiResponse } from '../http/http.ts';
import { earlierAnswer, type Intent, rememberWrites } from '../http/idempotency.ts';
import { emailTaken, insertTenant, nameTaken, tenantBySlug, tenantIdByEmail } from './tenant-store.ts';

/** What someone asked for; checked already. */
export interface NewTenant {
  readonly tenantName: string;
  readonly email: string;
  readonly tier: TierName;
  readonly tenantExtras: JsonObject;
  readonly registrationExtras: JsonObject;
  /** Whether the client named a registrationStatus; SBT's event repeats only what it was given. */
  readonly statusGiven: boolean;
}

/** The outbox write of an event of ours. */
export function eventWrites({ clock, random }: StoreDeps, name: EventName, detail: JsonObject): Write[] {
  return outboxWrites([envelope(newId(clock.now(), random), name, detail, clock.now())]);
}

/** A record in its first state. */
export function newRecord({ clock, random }: StoreDeps, asked: NewTenant): TenantRecord {
  const now = new Date(clock.now()).toISOString();
  return {
    tenantId: newId(clock.now(), random),
    tenantName: asked.tenantName,
    slug: slugOf(asked.tenantName),
    email: asked.email,
    tier: asked.tier,
    state: 'registered',
    active: true,
    registrationStatus: IN_PROGRESS,
    tenantExtras: asked.tenantExtras,
    registrationExtras: asked.registrationExtras,
    created: now,
    modified: now,
  };
}

/**
 * Stores tenant, locks, event and answer in one transaction. A repetition of the same intent, also one at the same
 * time, gets the first answer. Throws CONFLICT for a taken name or email.
 */
export async function registerOnce(
  deps: StoreDeps,
  record: TenantRecord,
  statusGiven: boolean,
  intent: Intent | undefined,
  answer: ApiResponse,
): Promise<ApiResponse> {
  const event = eventWrites(deps, 'onboardingRequest', onboardingDetail(record, statusGiven));
  try {
    await insertTenant(deps, record, [...rememberWrites(deps, intent, answer), ...event]);
    return answer;
  } catch (error) {
    const earlier = error instanceof ConditionFailed ? await earlierAnswer(deps, intent) : undefined;
    if (earlier) return earlier;
    throw error;
  }
}

/**
 * Refuses an email that another user of the pooled realm has: provisioning could not create the admin.
 * A premium tenant's realm is its own.
 */
export async function refuseTakenEmail(deps: ControlPlaneDeps, tier: TierName, email: string): Promise<void> {
  if (tier !== 'premium' && (await deps.identity.emailTaken('pool', email))) throw emailTaken(email);
}

/** Throws INVALID, naming the field and every rule that is broken, never the password. */
export function requirePassword(field: string, password: string): void {
  const broken = checkPassword(password, MIN_PASSWORD_LENGTH);
  if (broken.length === 0) return;
  const issues = broken.map((msg) => ({ loc: ['body', field], type: 'password_policy', msg }));
  throw new DomainError('INVALID', `${field} is too weak`, { issues });
}

/** A new registration from end to end, as an admin or an internal caller asks for it. */
export async function register(
  deps: ControlPlaneDeps,
  asked: NewTenant,
  options: {
    readonly adminPassword?: string | undefined;
    readonly intent?: Intent | undefined;
    readonly answer: (record: TenantRecord) => ApiResponse;
  },
): Promise<ApiResponse> {
  if (options.adminPassword !== undefined) requirePassword('adminPassword', options.adminPassword);
  const earlier = await earlierAnswer(deps, options.intent);
  if (earlier) return earlier;
  await refuseTakenEmail(deps, asked.tier, asked.email);
  const record = newRecord(deps, asked);
  if (options.adminPassword !== undefined) {
    // Asked first, so that a refused registration leaves no staged password behind.
    if (await tenantBySlug(deps, record.slug)) throw nameTaken(record.tenantName);
    if (await tenantIdByEmail(deps, record.email)) throw emailTaken(record.email);
    await deps.identity.stagePassword(record.tenantId, record.email, options.adminPassword);
  }
  return registerOnce(deps, record, asked.statusGiven, options.intent, options.answer(record));
}

/** The answer of SBT's POST /tenant-registrations. */
export function registeredAnswer({ tenantId }: TenantRecord): ApiResponse {
  const data = { tenantRegistrationId: registrationIdOf(tenantId), tenantId, message: 'Tenant registration initiated' };
  return { status: 201, body: { data } };
}
