/** The shape of the tier table. The table itself is tenant-templates/tiers.ts, and there is only one. */
export const TIER_NAMES = ['basic', 'advanced', 'premium'] as const;
export type TierName = (typeof TIER_NAMES)[number];

/** What a tenant has for itself: nothing (pool), its services (service), its cluster and user pool (cluster). */
export type Isolation = 'pool' | 'service' | 'cluster';

export interface UsagePlan {
  /** Sustained requests per second: tokens added to the bucket per second. */
  readonly rate: number;
  /** Most requests at once: the bucket's size. */
  readonly burst: number;
  /** Requests per day, reset at 00:00 UTC. */
  readonly quotaPerDay: number;
}

export interface TaskSize {
  /** Resident memory at which the supervisor restarts the task, in MiB. V8's old space is set below it. */
  readonly memoryMiB: number;
  /** CPU share of one core, sustained over the supervisor's window: 0.5 is half a core. */
  readonly cpu: number;
  /** Tasks per service at start. */
  readonly desired: number;
  /** Most tasks per service that `services scale` accepts. */
  readonly max: number;
}

export interface Tier {
  readonly title: string;
  readonly isolation: Isolation;
  readonly usagePlan: UsagePlan;
  /** Size of each service's task: of the pooled tasks for basic, of the tenant's own for the others. */
  readonly task: TaskSize;
}

export type TierTable = Record<TierName, Tier>;

/** The tier meant by `raw` in any case of letters, or undefined. */
export function parseTier(raw: string): TierName | undefined {
  const lower = raw.toLowerCase();
  return TIER_NAMES.find((name) => name === lower);
}
