import type { RegistrationStatus, TenantState } from './lifecycle.ts';
import type { TenantRecord } from './record.ts';

/** What the application plane may report on a registration. */
export type Outcome = Exclude<RegistrationStatus, 'In progress'>;

/** Which of its two errands a report is about; unknown where it came without its event. */
export type Errand = 'onboarding' | 'offboarding';

/**
 * Which state a report leads to, by the state it meets. Reports come doubled, late and in any order, so that a state
 * that is not named here stays as it is: a failure never undoes a success, and nothing revives a tenant being deleted.
 */
const AFTER: Record<Outcome, Partial<Record<TenantState, TenantState>>> = {
  created: {
    registered: 'active',
    provisioning: 'active',
    failed: 'active',
    active: 'active',
    'changing-tier': 'active',
  },
  failed: {
    registered: 'failed',
    provisioning: 'failed',
    failed: 'failed',
    'changing-tier': 'failed',
    deprovisioning: 'failed',
  },
  deleted: { deprovisioning: 'deleted', failed: 'deleted' },
};

/** The outcome meant by `word` in any case of letters ('Created' is SBT's own spelling), or undefined. */
export function parseOutcome(word: string): Outcome | undefined {
  const lower = word.toLowerCase();
  return lower === 'created' || lower === 'failed' || lower === 'deleted' ? lower : undefined;
}

/** @returns the state after a report of `outcome`, or undefined where the report is stale and changes nothing */
export function stateAfter(record: TenantRecord, outcome: Outcome, errand?: Errand): TenantState | undefined {
  const asked: Errand = record.active ? 'onboarding' : 'offboarding';
  if (errand !== undefined && errand !== asked) return undefined;
  if (outcome === 'created' && !record.active) return undefined;
  if (outcome === 'deleted' && record.active) return undefined;
  return AFTER[outcome][record.state];
}
