import { DomainError } from '../errors.ts';

/**
 * The names of the tiers, as keys. tenant-templates/tiers.ts adds the names in its table to this interface, so that
 * TierName comes from the table although core does not import it.
 */
// biome-ignore lint/suspicious/noEmptyInterface: the tier table fills it
export interface TierNames {}
export type TierName = keyof TierNames;

/** What a tenant has for itself: nothing (pool), its services (service), or its cluster and user pool (cluster). */
export type Isolation = 'pool' | 'service' | 'cluster';

export const PACKINGS = ['per-service', 'one-task'] as const;
/** On AWS: whether each service of a deployment has tasks of its own, or one task runs all of them. */
export type Packing = (typeof PACKINGS)[number];

/** On AWS: what runs the tasks of a deployment. */
export type Capacity = 'fargate' | 'ec2';

/** How a tenant's own tasks run on AWS. The embedded home has no such choice. */
export interface ComputeOptions {
  readonly packing?: Packing;
  readonly capacity?: Capacity;
}

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
  /** Size of each task of the tenant's own services. In a tier with isolation 'pool', see `sizesPool`. */
  readonly task: TaskSize;
  /** Tenants of the tier that are provisioned at once. @default - only the provisioner's own limit applies */
  readonly concurrency?: number;
  /** The pooled tasks have this tier's `task` size. Exactly one tier sets it, one with isolation 'pool'. @default false */
  readonly sizesPool?: boolean;
  /** A company that signs itself up gets this tier. Exactly one tier sets it. @default false */
  readonly signUp?: boolean;
}

export type TierTable = Readonly<Record<TierName, Tier>>;

/** In the order of the table. */
export function tierNames(tiers: Readonly<Record<TierName, unknown>>): TierName[] {
  return Object.keys(tiers) as TierName[];
}

/** The tier that `raw` names, in any case of letters, or undefined. */
export function parseTier(raw: string, names: readonly TierName[]): TierName | undefined {
  const lower = raw.toLowerCase();
  return names.find((name) => name === lower);
}

/** The tier whose task size the pooled tasks have. Throws CONFIG unless the table marks exactly one. */
export function poolSizingTier(tiers: TierTable): TierName {
  return markedTier(tiers, 'sizesPool');
}

/** The tier of a company that signs itself up. Throws CONFIG unless the table marks exactly one. */
export function signUpTier(tiers: TierTable): TierName {
  return markedTier(tiers, 'signUp');
}

function markedTier(tiers: TierTable, mark: 'sizesPool' | 'signUp'): TierName {
  const [name, ...others] = tierNames(tiers).filter((one) => tiers[one][mark]);
  if (name === undefined || others.length > 0) {
    throw new DomainError('CONFIG', `exactly one tier must set ${mark}, got ${[name, ...others].join(', ') || 'none'}`);
  }
  return name;
}
