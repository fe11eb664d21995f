import { DomainError } from '../errors.ts';

/** The states a tenant is shown in (ON-4). */
export const TENANT_STATES = [
  'registered',
  'provisioning',
  'active',
  'failed',
  'suspended',
  'changing-tier',
  'deprovisioning',
  'deleted',
] as const;
export type TenantState = (typeof TENANT_STATES)[number];

/** What the lifecycle needs to know of a tenant. */
export interface LifecycleTenant {
  readonly state: TenantState;
  /** false from the request to delete the tenant on; nothing sets it back. */
  readonly active: boolean;
  /** When the state or the data last changed; ISO 8601, UTC. */
  readonly modified: string;
}

/** The events that report how far the application plane is, under their names on the bus. */
export type ReportEvent =
  | 'onboardingRequest'
  | 'provisionSuccess'
  | 'provisionFailure'
  | 'deprovisionSuccess'
  | 'deprovisionFailure';

/** What an administrator can request for a tenant. */
export const TENANT_ACTIONS = ['edit', 'retry', 'delete'] as const;
export type TenantAction = (typeof TENANT_ACTIONS)[number];

/** Whether a tenant accepts an action in its present state and, if not, why: one sentence, shown to users as it is. */
export type ActionStatus =
  | { readonly name: TenantAction; readonly allowed: true }
  | { readonly name: TenantAction; readonly allowed: false; readonly reason: string };

/** When a retry of work in progress is allowed. */
export interface RetryRule {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Work in progress for longer than this counts as stalled, in milliseconds. @default 600_000 (10 minutes) */
  readonly stalledAfterMs?: number;
}

const DEFAULT_STALLED_AFTER_MS = 600_000;

/** A state, with `failed` split by the operation that failed: only one of the two may still become active. */
type Stage = Exclude<TenantState, 'failed'> | 'onboarding-failed' | 'offboarding-failed';

interface Refusal {
  readonly refused: string;
}

interface Row {
  /**
   * The state after each report. A report that is not listed is stale and ignored, because reports arrive more than
   * once, late and in any order.
   */
  readonly reports: Partial<Record<ReportEvent, TenantState>>;
  /** The state after each action, or why it is refused. */
  readonly actions: Record<TenantAction, TenantState | Refusal>;
  /** The operation in progress: it can be retried only when it has stalled. @default - none */
  readonly inProgress?: string;
}

const refused = (reason: string): Refusal => ({ refused: reason });
const DELETED = refused('The tenant is deleted.');
const BEING_DELETED = refused('The tenant is being deleted.');

/** The one table of which state may follow which. No other code decides about a tenant's state. */
const LIFECYCLE: Record<Stage, Row> = {
  registered: {
    reports: { onboardingRequest: 'provisioning', provisionSuccess: 'active', provisionFailure: 'failed' },
    actions: { edit: 'registered', retry: 'provisioning', delete: 'deprovisioning' },
    inProgress: 'Onboarding',
  },
  provisioning: {
    reports: { provisionSuccess: 'active', provisionFailure: 'failed' },
    actions: { edit: 'provisioning', retry: 'provisioning', delete: 'deprovisioning' },
    inProgress: 'Onboarding',
  },
  active: {
    // Not to 'failed': a failure that arrives late never undoes a success.
    reports: { provisionSuccess: 'active' },
    actions: {
      edit: 'active',
      retry: refused('The tenant is active, so there is nothing to retry.'),
      delete: 'deprovisioning',
    },
  },
  'onboarding-failed': {
    reports: { provisionSuccess: 'active', provisionFailure: 'failed' },
    actions: { edit: 'failed', retry: 'provisioning', delete: 'deprovisioning' },
  },
  suspended: {
    reports: {},
    actions: {
      edit: 'suspended',
      retry: refused('The tenant is suspended, so there is nothing to retry.'),
      delete: 'deprovisioning',
    },
  },
  'changing-tier': {
    reports: { provisionSuccess: 'active', provisionFailure: 'failed' },
    actions: {
      edit: 'changing-tier',
      retry: refused('The tenant is changing its tier; retry when that has failed.'),
      delete: refused('The tenant is changing its tier; delete it when that is done.'),
    },
  },
  deprovisioning: {
    reports: { deprovisionSuccess: 'deleted', deprovisionFailure: 'failed' },
    actions: { edit: BEING_DELETED, retry: 'deprovisioning', delete: BEING_DELETED },
    inProgress: 'Deletion',
  },
  'offboarding-failed': {
    // Not to 'active': nothing revives a tenant whose deletion has begun.
    reports: { deprovisionSuccess: 'deleted', deprovisionFailure: 'failed' },
    actions: {
      edit: refused('The deletion of the tenant has begun; it can only be retried.'),
      retry: 'deprovisioning',
      delete: 'deprovisioning',
    },
  },
  deleted: { reports: {}, actions: { edit: DELETED, retry: DELETED, delete: DELETED } },
};

function rowOf({ state, active }: Pick<LifecycleTenant, 'state' | 'active'>): Row {
  if (state !== 'failed') return LIFECYCLE[state];
  return LIFECYCLE[active ? 'onboarding-failed' : 'offboarding-failed'];
}

/** @returns the state after a report, or undefined if the report is stale and changes nothing */
export function stateAfterReport(
  tenant: Pick<LifecycleTenant, 'state' | 'active'>,
  event: ReportEvent,
): TenantState | undefined {
  return rowOf(tenant).reports[event];
}

/** @throws CONFLICT if the tenant does not accept the action now, with the reason that `actionsOf` gives */
export function stateAfterAction(tenant: LifecycleTenant, action: TenantAction, rule: RetryRule): TenantState {
  const outcome = outcomeOf(tenant, action, rule);
  if (typeof outcome === 'string') return outcome;
  throw new DomainError('CONFLICT', outcome.refused);
}

/** Every action, whether the tenant accepts it now and, if not, why. */
export function actionsOf(tenant: LifecycleTenant, rule: RetryRule): ActionStatus[] {
  return TENANT_ACTIONS.map((name) => {
    const outcome = outcomeOf(tenant, name, rule);
    return typeof outcome === 'string' ? { name, allowed: true } : { name, allowed: false, reason: outcome.refused };
  });
}

function outcomeOf(tenant: LifecycleTenant, action: TenantAction, rule: RetryRule): TenantState | Refusal {
  const { actions, inProgress } = rowOf(tenant);
  if (action !== 'retry' || inProgress === undefined) return actions[action];
  const { now, stalledAfterMs = DEFAULT_STALLED_AFTER_MS } = rule;
  if (now - Date.parse(tenant.modified) >= stalledAfterMs) return actions.retry;
  return refused(`${inProgress} is in progress; it can be retried once it has taken ${durationOf(stalledAfterMs)}.`);
}

function durationOf(ms: number): string {
  const minutes = ms / 60_000;
  if (Number.isInteger(minutes)) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return `${ms / 1_000} seconds`;
}

/** States in which the gateway serves the tenant. */
export function isServed(state: TenantState): boolean {
  return state === 'active' || state === 'changing-tier';
}

/** States in which a new tenant waits for the end of its onboarding. */
export function isOnboarding(state: TenantState): boolean {
  return state === 'registered' || state === 'provisioning';
}

/** SBT's status of a registration. */
export type RegistrationStatus = 'In progress' | 'created' | 'failed' | 'deleted';
