/** A tenant's states (ON-4), and the one table of which may follow which. */
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

const NEXT: Record<TenantState, readonly TenantState[]> = {
  registered: ['provisioning', 'active', 'failed', 'deprovisioning'],
  provisioning: ['provisioning', 'active', 'failed', 'deprovisioning'],
  active: ['suspended', 'changing-tier', 'deprovisioning', 'failed'],
  failed: ['provisioning', 'active', 'failed', 'deprovisioning', 'deleted'],
  suspended: ['active', 'deprovisioning'],
  'changing-tier': ['active', 'failed'],
  deprovisioning: ['deprovisioning', 'deleted', 'failed'],
  deleted: [],
};

/** Whether a tenant in `from` may go to `to`. UI, API and event consumers ask this, nobody else decides. */
export function mayFollow(from: TenantState, to: TenantState): boolean {
  return NEXT[from].includes(to);
}

/** States in which the gateway serves the tenant. */
export function isServed(state: TenantState): boolean {
  return state === 'active' || state === 'changing-tier';
}

/** SBT's word for the registration, derived from our state. */
export type RegistrationStatus = 'In progress' | 'created' | 'failed' | 'deleted';

/** One recorded step of onboarding or offboarding, with its times (ISO 8601, UTC). */
export interface Step {
  readonly name: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly endedAt?: string;
  /** In plain words, where it failed. */
  readonly reason?: string;
}
